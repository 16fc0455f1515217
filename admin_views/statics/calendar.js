/* The calendar: what the server answers as days, people and blocks, drawn as a grid and as a list.
   Everything that a person typed is set as text. Positions are minutes since local midnight. */
(function () {
  var B = window.Backroom;
  if (!B) return;
  var wrap = document.querySelector("[data-calendar]");
  if (!wrap) return;
  var grid = wrap.querySelector("[data-cal-grid]"), list = wrap.querySelector("[data-cal-list]");
  var C = B.cal = {
    wrap: wrap, grid: grid, list: list,
    config: JSON.parse(wrap.dataset.calendar),
    data: JSON.parse(wrap.dataset.first),
    week: wrap.classList.contains("is-week"),
    px: 1.2, sending: 0, carried: null
  };
  var skew = C.data.now * 1000 - Date.now();
  C.now = function () { return (Date.now() + skew) / 1000; };

  /* ---- time: minutes of a day into words of its wall clock, and into instants ---- */
  var two = function (n) { return (n < 10 ? "0" : "") + n; };
  C.text = function (day, minute) {
    if (minute >= day.minutes) return "24:00";
    var piece = day.wall[0];
    day.wall.forEach(function (p) { if (p[0] <= minute) piece = p; });
    var shown = piece[1] + minute - piece[0];
    return two(Math.floor(shown / 60)) + ":" + two(shown % 60);
  };
  C.dayAt = function (seconds) {
    var found = -1;
    C.data.days.forEach(function (d, n) { if (seconds >= d.begins && seconds < d.begins + d.minutes * 60) found = n; });
    return found;
  };
  C.person = function (id) { return C.data.staff.filter(function (s) { return s.id === id; })[0]; };
  C.block = function (key) {
    var all = C.data.bookings.concat(C.data.classes, C.data.stays);
    return all.filter(function (b) { return C.key(b) === key; })[0];
  };
  C.key = function (b) { return (b["class"] ? "c" : "b") + b.id; };
  C.url = function (b) { return (b["class"] ? "/admin/class-session/details/" : "/admin/booking/details/") + b.id; };
  /* what may be taken hold of: a booking or a class that is still to come */
  C.movable = function (b) {
    if (!b["class"]) return !!(b.movable && C.config.move);
    return !!(C.config.classes && C.config.move && b.status === "scheduled" && b.from > C.now());
  };
  C.path = function (b) { return b["class"] ? "/class/" + b.id + "/move" : "/move/" + b.id; };
  /* what is sent along, so that nobody's change is undone unseen */
  C.seen = function (b) { return b["class"] ? b.from + "." + b.to + "." + b.staff : b.seen; };
  C.words = function (b) {
    var who = C.person(b.staff);
    return [b.time.replace("–", " to "), b.name, b.service, b.word, C.week && who ? "with " + who.name : ""].filter(Boolean).join(", ");
  };

  /* ---- what of the day is shown: the hours of work with an hour around, and whatever is booked ---- */
  var bounds = function () {
    var low = Infinity, high = 0, longest = 0;
    var take = function (from, to) { low = Math.min(low, from); high = Math.max(high, to); };
    C.data.days.forEach(function (d) { longest = Math.max(longest, d.minutes); });
    C.data.staff.forEach(function (s) { (s.open || []).forEach(function (o) { if (o) take(o[0] - 60, o[1] + 60); }); });
    if (high === 0) take(8 * 60, 19 * 60);
    C.data.bookings.concat(C.data.classes).forEach(function (b) { b.parts.forEach(function (p) { take(p[1] - b.before, p[2] + b.after); }); });
    C.low = Math.max(0, Math.floor(low / 60) * 60);
    C.high = Math.min(longest, Math.ceil(high / 60) * 60);
  };

  /* ---- columns: people of a day, or days ---- */
  var columns = function () {
    if (C.week) return C.data.days.map(function (d, n) { return { day: n, staff: null }; });
    return C.data.staff.map(function (s) { return { day: 0, staff: s.id }; });
  };
  var inColumn = function (col) {
    var found = [];
    C.data.bookings.concat(C.data.classes).forEach(function (b) {
      if (col.staff !== null && b.staff !== col.staff) return;
      b.parts.forEach(function (p) { if (p[0] === col.day) found.push({ b: b, from: p[1], to: p[2] }); });
    });
    return found.sort(function (x, y) { return x.from - y.from || y.to - x.to; });
  };
  /* What overlaps stands side by side; a booking keeps its width while nothing else is at its time. */
  var MOST = 4;
  var lanes = function (items) {
    var group = [], end = -1;
    var settle = function () {
      var many = Math.max.apply(null, group.map(function (i) { return i.lane + 1; }).concat(1));
      group.forEach(function (i) { i.of = many; });
      group = [];
    };
    items.forEach(function (i) {
      if (i.from >= end) { settle(); end = -1; }
      var taken = group.filter(function (o) { return o.to > i.from; }).map(function (o) { return o.lane; });
      i.lane = 0;
      while (taken.indexOf(i.lane) >= 0) i.lane += 1;
      group.push(i);
      end = Math.max(end, i.to);
    });
    settle();
    return items;
  };
  C.put = function (e, at, length, lane, of) {
    e.style.setProperty("--at", at);
    e.style.setProperty("--for", length);
    if (of > 1) { e.style.setProperty("--left", 100 * lane / of + "%"); e.style.setProperty("--wide", 100 / of + "%"); }
    return e;
  };

  /* ---- one block ---- */
  var drawBlock = function (b, length, of) {
    var size = length <= 15 ? " tiny slip" : length <= 20 ? " tiny" : length <= 35 ? " short" : "";
    var e = B.make("div", { "class": "cb " + b.look + size + (of > 1 && C.week ? of > 3 ? " slim thin tight" : of > 2 ? " slim thin" : " slim" : of > 4 ? " slim" : "") + (b["class"] ? " is-class" : "") + (b.extra ? " is-extra" : ""), "data-key": C.key(b) });
    var a = B.make("a", { href: C.url(b), "aria-label": C.words(b), draggable: "false" });
    var top = B.make("span", { "class": "cb-t" }, length <= 20 ? "" : of > 1 && C.week ? b.time.split("–")[0] : b.time), glyphs = B.make("span", { "class": "cb-g" });
    if (b.walk_in) glyphs.append(B.icon("walk"));
    if (b.series) glyphs.append(B.icon("repeat"));
    if (b.held) glyphs.append(B.icon("hourglass"));
    glyphs.append(B.icon(b.icon));
    top.append(glyphs);
    var who = C.week && C.data.staff.length > 1 && C.person(b.staff);
    a.append(top, B.make("b", { dir: "auto" }, b.name), B.make("span", { "class": "cb-s", dir: "auto" }, b.service + (who ? " · " + who.short : "")));
    e.append(a);
    if (C.movable(b)) e.append(B.make("i", { "class": "cb-r", "data-resize": "" }));
    return e;
  };
  var drawBuffer = function (minutes, at, i, up) {
    var e = C.put(B.make("div", { "class": "cbuf" + (up ? " up" : ""), "aria-hidden": "true" }), at, minutes, i.lane, i.of);
    if (minutes >= 10 && i.of < 3) e.append(B.make("span", {}, minutes + " min"));
    return e;
  };

  var drawColumn = function (col, name) {
    var e = B.make("div", { "class": "cal-col", role: "group", "aria-label": name, "data-day": col.day, "data-staff": col.staff === null ? "" : col.staff });
    closed(col).forEach(function (c) {
      var off = C.put(B.make("div", { "class": "coff" }), c[1], c[2] - c[1]);
      if (c[3]) off.append(B.make("span", { dir: "auto" }, c[3]));
      e.append(off);
    });
    var items = lanes(inColumn(col)), hidden = [];
    var show = function (i) {
      if (i.b.before) e.append(drawBuffer(i.b.before, i.from - i.b.before, i, true));
      e.append(C.put(drawBlock(i.b, i.to - i.from, i.of), i.from, i.to - i.from, i.lane, i.of));
      if (i.b.after) e.append(drawBuffer(i.b.after, i.to, i));
    };
    items.forEach(function (i) {
      if (!C.week || i.of <= MOST) { show(i); return; }
      i.of = MOST;
      if (i.lane < MOST - 1) show(i); else hidden.push(i);
    });
    more(hidden).forEach(function (m) {
      if (m.items.length > 1) { e.append(drawMore(m, col)); return; }
      m.items[0].lane = MOST - 1;
      show(m.items[0]);
    });
    return e;
  };
  /* What has no lane of its own in a week stands together as "+3 more", which shows the day. */
  var more = function (hidden) {
    var found = [];
    hidden.forEach(function (i) {
      var last = found[found.length - 1];
      if (last && i.from < last.to) { last.items.push(i); last.to = Math.max(last.to, i.to); } else found.push({ from: i.from, to: i.to, items: [i] });
    });
    return found;
  };
  var drawMore = function (m, col) {
    var d = C.data.days[col.day], times = C.text(d, m.from) + " to " + C.text(d, m.to), e = B.make("div", { "class": "cal-more" });
    var a = B.make("a", { href: C.config.day.replace("DAY", d.date), title: times, "aria-label": m.items.length + " more, " + times + ": show " + d.name }, "+" + m.items.length);
    if (m.to - m.from >= 30) a.append(B.make("span", {}, "more"));
    e.append(a);
    return C.put(e, m.from, m.to - m.from, MOST - 1, MOST);
  };
  var closed = function (col) {
    var whose = col.staff === null ? C.data.staff.filter(function (s) { return s.id; }) : [C.person(col.staff)];
    if (whose.length !== 1) return [];
    return (whose[0].closed || []).filter(function (c) { return c[0] === col.day && c[2] > C.low && c[1] < C.high; })
      .map(function (c) { return [c[0], Math.max(c[1], C.low), Math.min(c[2], C.high), c[3]]; });
  };

  /* ---- heads ---- */
  var drawHead = function (col) {
    var h = B.make("div", { "class": "cal-h" }), words = B.make("div");
    if (col.staff === null) {
      var d = C.data.days[col.day];
      var b = B.make("b");
      b.append(B.make("a", { href: C.config.day.replace("DAY", d.date) }, d.title));
      var n = inColumn(col).length;
      words.append(b, B.make("small", {}, n === 1 ? "1 booking" : n + " bookings"));
      if (C.dayAt(C.now()) === col.day) h.classList.add("is-today");
    } else {
      var s = C.person(col.staff);
      h.append(B.make("span", { "class": "bk-ava", "aria-hidden": "true" }, s.initials));
      words.append(B.make("b", { dir: "auto", title: s.name }, s.name), B.make("small", {}, (s.hours || [])[col.day] || (s.id ? "" : "to be given to someone")));
    }
    h.append(words);
    return h;
  };

  var drawGrid = function () {
    var cols = columns(), heads = B.make("div", { "class": "cal-heads" }), body = B.make("div", { "class": "cal-grid" });
    var hours = B.make("div", { "class": "cal-hours", "aria-hidden": "true" }), lines = B.make("div", { "class": "cal-lines", "aria-hidden": "true" });
    grid.textContent = "";
    grid.style.setProperty("--cols", cols.length);
    grid.style.setProperty("--low", C.low);
    grid.style.setProperty("--tall", C.high - C.low);
    grid.style.setProperty("--least", !C.week && cols.length > 7 ? "124px" : "0px");
    grid.classList.toggle("is-many", !C.week && cols.length > 7);
    C.data.days[0].hours.forEach(function (h) {
      if (h[0] < C.low || h[0] >= C.high) return;
      hours.append(C.put(B.make("span", {}, h[1]), h[0], 60));
      if (h[0] > C.low) lines.append(C.put(B.make("i"), h[0], 0));
      if (h[0] + 30 < C.high) lines.append(C.put(B.make("i", { "class": "half" }), h[0] + 30, 0));
    });
    heads.append(B.make("div"));
    body.append(hours, lines);
    cols.forEach(function (col) {
      heads.append(drawHead(col));
      body.append(drawColumn(col, col.staff === null ? C.data.days[col.day].name : C.person(col.staff).name));
    });
    body.append(C.line = B.make("div", { "class": "cal-now", "aria-hidden": "true" }));
    C.line.append(B.make("span"));
    grid.append(heads);
    if (C.data.stays.length) grid.append(drawStays());
    grid.append(body);
    tick();
  };
  var drawStays = function () {
    var e = B.make("div", { "class": "cal-stay", role: "group", "aria-label": "Staying" });
    C.data.stays.forEach(function (b) {
      e.append(B.make("a", { "class": b.look, href: C.url(b), "data-key": C.key(b), dir: "auto", title: b.name + ", " + b.service }, b.name + " · " + b.service));
    });
    return e;
  };
  /* the line of now, where today is shown */
  var tick = function () {
    var n = C.dayAt(C.now()), d = C.data.days[n];
    var at = d ? Math.floor((C.now() - d.begins) / 60) : -1;
    B.all(".cal-hours > span[hidden]", grid).forEach(function (s) { s.hidden = false; });
    C.line.hidden = !d || at < C.low || at > C.high;
    if (C.line.hidden) return;
    B.all(".cal-hours > span", grid).forEach(function (s) { var h = +s.style.getPropertyValue("--at"); s.hidden = at > h - 9 && at < h + 22; });
    C.line.firstChild.textContent = C.text(d, at);
    C.line.firstChild.style.setProperty("--at", at);
    if (C.week) C.line.style.setProperty("--col", n);
    B.all(".nowline span", list).forEach(function (s) { s.textContent = C.text(d, at); });
  };

  /* ---- the list of the phone ---- */
  var drawItem = function (b, now) {
    var li = B.make("li", { "class": b.to < now ? "past" : "" }), who = C.person(b.staff);
    var a = B.make("a", { href: C.url(b), "data-key": C.key(b) }), grow = B.make("div", { "class": "grow" });
    grow.append(B.make("b", { dir: "auto" }, b.name), B.make("small", { dir: "auto" }, b.service + (who && b.staff ? " · " + who.short : "")));
    var pill = B.make("span", { "class": "pill " + (b.tone || "") });
    pill.append(B.icon(b.icon), b.word);
    a.append(B.make("time", {}, b.time.split("–")[0]), grow, pill);
    li.append(a);
    return li;
  };
  var drawList = function () {
    var now = C.now(), today = C.dayAt(now), ul = B.make("ul", { "class": "bk-list cal-list" });
    list.textContent = "";
    C.data.days.forEach(function (d, n) {
      var items = C.data.bookings.concat(C.data.classes, C.data.stays).filter(function (b) { return b.parts.some(function (p) { return p[0] === n; }); });
      items.sort(function (x, y) { return x.from - y.from || x.id - y.id; });
      if (C.week) { var h = B.make("li", { "class": "cal-day" }); h.append(B.make("h3", {}, d.name)); ul.append(h); }
      var drawn = n !== today;
      items.forEach(function (b) {
        if (!drawn && b.from > now) { ul.append(nowLine(d, now)); drawn = true; }
        ul.append(drawItem(b, now));
      });
      if (!drawn && items.length) ul.append(nowLine(d, now));
      if (!items.length) { var none = B.make("li"); none.append(B.make("span", { "class": "none" }, "Nothing is booked")); ul.append(none); }
    });
    list.append(ul);
  };
  var nowLine = function (d, now) {
    var text = C.text(d, Math.floor((now - d.begins) / 60)), li = B.make("li", { "class": "nowline", "aria-label": "Now, " + text });
    li.append(B.make("span", {}, text));
    return li;
  };

  /* ---- drawing again keeps the focus where it was, and waits while a block is in somebody's hand ---- */
  var late = false;
  C.draw = function () {
    late = !!C.carried;
    if (late) return;
    var at = document.activeElement, key = at && at.closest && at.closest("[data-key]"), inList = key && list.contains(at);
    bounds();
    drawGrid();
    drawList();
    var count = wrap.querySelector("[data-cal-count]");
    if (count) count.textContent = C.data.bookings.length + C.data.classes.length;
    if (key) C.focus(key.dataset.key, inList);
    wrap.dispatchEvent(new CustomEvent("drawn"));
  };
  C.drawLate = function () { if (late) C.draw(); };
  C.still = function () { return !C.sending && !C.carried; };
  C.focus = function (key, inList) {
    var e = (inList ? list : grid).querySelector("[data-key='" + CSS.escape(key) + "']");
    var a = e && (e.matches("a") ? e : e.querySelector("a"));
    if (a) a.focus({ preventScroll: true });
    return a;
  };
  C.say = function (text) { document.querySelector("[data-cal-said]").textContent = text; };

  /* ---- other people's changes ---- */
  var rest = function (d, found) {
    if (!d.after) return found;
    return B.json(C.config.here + "/data?" + C.config.query + "&after=" + encodeURIComponent(d.after)).then(function (more) {
      if (!more) return null;
      found.bookings = found.bookings.concat(more.bookings);
      return rest(more, found);
    });
  };
  var reading = null;
  C.read = function () {
    if (reading) return reading;
    reading = B.json(C.config.here + "/data?" + C.config.query).then(function (d) { return d && rest(d, d); }).then(function (d) {
      reading = null;
      if (!d || !C.still()) return false; /* asked again in three seconds */
      C.data = d;
      C.draw();
      return true;
    });
    return reading;
  };
  var look = function () {
    if (document.hidden || !C.still()) return Promise.resolve();
    return fetch(C.config.here + "/changes?" + C.config.query, { headers: { Accept: "application/json", "If-None-Match": '"' + C.data.fingerprint + '"' }, credentials: "same-origin", cache: "no-store" })
      .then(function (r) { if (r.status === 200 && C.still()) return C.read().then(function (ok) { if (ok) C.say("The calendar has changed."); }); })
      .catch(function () { /* asked again in three seconds */ });
  };
  var turn = function () { look().then(function () { setTimeout(turn, 3000); }); };

  C.draw();
  if (C.data.after) rest(C.data, C.data).then(function (d) { if (d) C.draw(); });
  setTimeout(turn, 3000);
  document.addEventListener("visibilitychange", function () { if (!document.hidden) look(); });
  setInterval(tick, 20000);
  B.all("[data-cal-print]").forEach(function (b) { b.addEventListener("click", function () { print(); }); });
})();
