/* What the calendar asks and tells: a look at one booking with its commands, and the forms to book. */
(function () {
  var B = window.Backroom, C = B && B.cal;
  if (!C) return;
  var phone = matchMedia("(max-width: 767.98px)");

  /* ---- a refusal stands at its field, else at the top of the form; nothing typed is lost ---- */
  var clear = C.clear = function (form) {
    B.all(".is-invalid", form).forEach(function (e) { e.classList.remove("is-invalid"); e.removeAttribute("aria-invalid"); e.removeAttribute("aria-describedby"); });
    B.all(".invalid-feedback", form).forEach(function (e) { e.remove(); });
  };
  /* where it can be decided, with everything that was typed */
  var way = function (span, body) {
    if (body.link) span.append(" ", B.make("a", { href: body.link.url }, body.link.title));
  };
  var note = C.note = function (form, body) {
    var name = body.field && CSS.escape(body.field);
    var field = name && B.all("[name='" + name + "_text'], [name='" + name + "']:not([type=hidden]), [data-also='" + name + "']", form).filter(function (e) { return e.offsetParent; })[0];
    if (!field) return null;
    var said = B.make("div", { "class": "invalid-feedback", id: field.id + "-m" });
    said.append(B.icon("alert-circle"), B.make("span", { dir: "auto" }, body.sentence));
    field.classList.add("is-invalid");
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", said.id);
    field.closest(".fld").append(said);
    way(said.lastChild, body);
    return field;
  };
  var refuse = function (form, top, body) {
    clear(form);
    var field = note(form, body);
    top.hidden = !!field;
    if (field) { field.focus(); return; }
    top.querySelector("span").textContent = body.sentence;
    way(top.querySelector("span"), body);
    top.setAttribute("tabindex", "-1");
    top.focus();
  };
  var values = function (form) {
    var found = {};
    new FormData(form).forEach(function (v, k) { found[k] = v; });
    return found;
  };
  var sending = function (form, on) { B.all("button[type=submit]", form).forEach(function (b) { b.disabled = on; b.setAttribute("aria-busy", on); }); };

  /* ---- one booking ---- */
  var peek = null;
  C.closePeek = function (refocus) {
    if (!peek) return false;
    var was = peek;
    peek = null;
    was.box.remove();
    B.all(".cb.is-open", C.grid).forEach(function (e) { e.classList.remove("is-open"); });
    if (refocus) (was.key && C.focus(was.key, was.inList)) || (was.from && was.from.isConnected && was.from.focus());
    return true;
  };
  var place = function () {
    if (!peek || phone.matches) return;
    var at = peek.from.getBoundingClientRect(), box = peek.box, r = box.getBoundingClientRect(), gap = 8;
    var left = at.right + gap + r.width < innerWidth ? at.right + gap : at.left - gap - r.width;
    if (left < gap) left = Math.max(gap, Math.min(at.left, innerWidth - r.width - gap));
    var top = Math.max(60, Math.min(at.top - gap, innerHeight - r.height - gap));
    box.style.left = left + scrollX + "px";
    box.style.top = top + scrollY + "px";
  };
  C.look = function (key, from) {
    var b = C.block(key), inList = C.list.contains(from);
    if (!b) return Promise.resolve(false);
    var noun = b["class"] ? "class" : "booking";
    return B.json(C.config.here + "/" + noun + "/" + b.id).then(function (d) {
      if (!d) { B.say("This " + noun + " is not here any more.", "danger"); return C.read(); }
      C.closePeek();
      var box = B.make("div", { "class": "peek cal-peek", role: "dialog", "aria-label": (b["class"] ? "Class, " : "Booking, ") + b.name });
      box.innerHTML = d.html;
      peek = { key: key, id: b.id, move: C.path(b), box: box, from: from, inList: inList };
      document.body.append(box);
      mark();
      place();
      var first = box.querySelector("[data-cal-step]") || box.querySelector("[data-cal-close]");
      if (first) first.focus({ preventScroll: true });
      return true;
    });
  };
  var mark = function () {
    if (!peek || !peek.key) return;
    var e = C.grid.querySelector("[data-key='" + CSS.escape(peek.key) + "']");
    if (!e) return;
    e.classList.add("is-open");
    if (!peek.inList) peek.from = e;
  };
  C.wrap.addEventListener("drawn", function () { mark(); });
  addEventListener("resize", place);

  C.wrap.addEventListener("click", function (ev) {
    var a = ev.target.closest("a[data-key], .cb[data-key] > a"), aside = ev.target.closest("[data-cal-look]");
    if (ev.ctrlKey || ev.metaKey || ev.shiftKey) return;
    if (aside && C.block("b" + aside.dataset.calLook)) { ev.preventDefault(); C.look("b" + aside.dataset.calLook, aside); return; }
    if (!a) return;
    var key = a.dataset.key || a.closest("[data-key]").dataset.key;
    ev.preventDefault();
    if (peek && peek.key === key) C.closePeek(true); else C.look(key, a);
  });
  document.addEventListener("mousedown", function (ev) {
    if (peek && !peek.box.contains(ev.target) && !ev.target.closest("[data-key], [data-gap], [data-toast]")) C.closePeek();
  });
  document.addEventListener("click", function (ev) {
    if (!peek || !peek.box.contains(ev.target)) return;
    if (ev.target.closest("[data-cal-close]")) { C.closePeek(true); return; }
    var b = ev.target.closest("[data-cal-part]");
    if (!b) return;
    B.all("[data-part]", peek.box).forEach(function (f) { f.hidden = f.dataset.part !== b.dataset.calPart || !f.hidden; });
    B.all("[data-cal-part]", peek.box).forEach(function (o) { o.setAttribute("aria-expanded", o === b && !peek.box.querySelector("[data-part='" + b.dataset.calPart + "']").hidden); });
    place();
    var first = peek.box.querySelector("[data-part]:not([hidden]) input:not([type=hidden])");
    if (first) first.focus({ preventScroll: true });
  });
  document.addEventListener("change", function (ev) {
    if (!peek || ev.target.name !== "by" || !peek.box.contains(ev.target)) return;
    var free = ev.target.value === "vendor", f = ev.target.form;
    f.querySelector("[data-cal-fee]").hidden = free;
    var waive = f.elements.waive;
    if (waive) waive.closest(".fld").hidden = free;
  });
  document.addEventListener("submit", function (ev) {
    var f = ev.target;
    if (!peek || !peek.box.contains(f)) return;
    ev.preventDefault();
    var key = peek.key, path = f.hasAttribute("data-cal-move") ? peek.move : "/booking/" + peek.id + "/" + f.dataset.calDo;
    sending(f, true);
    C.post(path, values(f)).then(function (answer) {
      sending(f, false);
      if (!answer.ok) { refuse(f, peek.box.querySelector("[data-cal-error]"), answer.body); return; }
      C.closePeek(true);
      done(answer.body, key);
    });
  }, true);
  var done = function (body, key) {
    var path = key && (key[0] === "c" ? "/class/" + key.slice(1) + "/move" : "/move/" + key.slice(1));
    var undo = body.undo && function () { C.post(path, Object.assign({ seen: body.seen }, body.undo)).then(function (a) { B.say(a.body.message || a.body.sentence, a.ok ? "" : "danger"); C.read(); }); };
    C.toast(body.message, undo);
    return C.read().then(function () { C.focus(body.key, phone.matches); });
  };
  C.carryOn = function (key, verb) {
    return C.post("/booking/" + key.slice(1) + "/" + verb, {}).then(function (answer) {
      if (!answer.ok) { B.say(answer.body.sentence, "danger"); return; }
      done(answer.body, key);
    });
  };

  /* ---- book, or begin with somebody who stands there ---- */
  var dialog = document.getElementById("cal-book"), form = dialog && dialog.querySelector("form");
  var two = function (n) { return (n < 10 ? "0" : "") + n; };
  C.book = function (day, minute, staff) {
    if (!dialog) return;
    var d = C.data.days[day];
    form.elements.starts.value = d.date + "T" + C.text(d, minute);
    form.elements.at.value = d.begins + minute * 60;
    form.elements.day.value = d.date;
    if (staff || !C.week) form.elements.staff.value = staff || 0;
    show(false);
  };
  /* which fields there are: of a stay the nights, else a time and with whom; of a walk-in no beginning */
  var fit = C.fitBook = function () {
    var now = form.elements.now.value === "1", stay = form.dataset.kind === "stay", is = { now: now, later: !now, stay: stay, timed: !stay };
    B.all("[data-when]", form).forEach(function (e) { e.hidden = !e.dataset.when.split(" ").every(function (w) { return is[w]; }); });
    form.elements.starts.required = is.later && is.timed;
  };
  var show = function (now) {
    C.closePeek();
    form.elements.now.value = now ? "1" : "";
    fit();
    form.querySelector("h2").textContent = now ? "Walk-in" : "Book";
    form.querySelector("button[type=submit]").textContent = now ? "Start now" : "Book";
    form.querySelector("[data-cal-error]").hidden = true;
    clear(form);
    B.open("cal-book");
    form.dispatchEvent(new CustomEvent("shown"));
    form.elements.customer_text.focus();
  };
  /* the next quarter of an hour today, else the beginning of the work of the day that is shown */
  C.bookNext = function () {
    var n = C.dayAt(C.now()), at, focused = document.activeElement && document.activeElement.closest(".cal-col");
    if (n >= 0) at = Math.ceil((C.now() - C.data.days[n].begins) / 900) * 15;
    else { n = focused ? +focused.dataset.day : 0; at = C.low + 60; }
    C.book(n, Math.min(at, C.data.days[n].minutes - 15), focused ? +focused.dataset.staff || 0 : 0);
  };
  if (form) {
    B.all("[data-cal-book]").forEach(function (b) { b.addEventListener("click", C.bookNext); });
    B.all("[data-cal-walk-in]").forEach(function (b) { b.addEventListener("click", function () { form.elements.staff.value = 0; show(true); }); });
    form.addEventListener("submit", function (ev) {
      ev.preventDefault();
      ev.stopPropagation();
      sending(form, true);
      C.post("/book", values(form)).then(function (answer) {
        sending(form, false);
        if (!answer.ok) {
          B.all("[data-anyway]", form).forEach(function (e) { e.hidden = !answer.body.anyway; });
          refuse(form, form.querySelector("[data-cal-error]"), answer.body);
          return;
        }
        form.reset();
        B.all("input[type=hidden]", form).forEach(function (i) { i.value = ""; });
        B.all("[data-anyway]", form).forEach(function (e) { e.hidden = true; });
        dialog.close();
        done(answer.body, answer.body.key);
      });
    });
  }

  /* ---- time in which nobody can be booked ---- */
  var blocking = document.getElementById("cal-block"), blockForm = blocking && blocking.querySelector("form");
  if (blockForm) {
    var take = function (f, day, from, to) { f.elements.starts.value = day.date + "T" + C.text(day, from); f.elements.ends.value = day.date + "T" + C.text(day, to).replace("24:00", "23:59"); };
    B.all("[data-cal-block]").forEach(function (b) {
      b.addEventListener("click", function () {
        var n = Math.max(0, C.dayAt(C.now())), d = C.data.days[n], at = C.dayAt(C.now()) === n ? Math.ceil((C.now() - d.begins) / 900) * 15 : C.low + 60;
        if (!blockForm.elements.starts.value) take(blockForm, d, Math.min(at, d.minutes - 60), Math.min(at + 60, d.minutes));
        clear(blockForm);
        blockForm.querySelector("[data-cal-error]").hidden = true;
        B.open("cal-block", b);
      });
    });
    blockForm.addEventListener("submit", function (ev) {
      ev.preventDefault();
      ev.stopPropagation();
      sending(blockForm, true);
      C.post("/block", values(blockForm)).then(function (answer) {
        sending(blockForm, false);
        if (!answer.ok) { refuse(blockForm, blockForm.querySelector("[data-cal-error]"), answer.body); return; }
        blockForm.reset();
        blocking.close();
        C.toast(answer.body.message, function () {
          C.post("/unblock/" + answer.body.unblock, {}).then(function (a) { B.say(a.body.message || a.body.sentence, a.ok ? "" : "danger"); C.read(); });
        });
        C.read();
      });
    });
  }

  /* ---- free times that somebody on the waitlist would take ---- */
  var gaps = [];
  var askGaps = B.later(50, function () {
    if (C.week || !C.config.book) return;
    B.json(C.config.here + "/gaps?" + C.config.query).then(function (d) { if (d && C.still()) { gaps = d.gaps; drawGaps(); } });
  });
  var drawGaps = function () {
    B.all(".cgap, .gapline").forEach(function (e) { e.remove(); });
    gaps.forEach(function (g, n) {
      var col = C.grid.querySelector(".cal-col[data-staff='" + g.staff + "']"), who = C.person(g.staff);
      if (!col || !who) return;
      var b = C.put(B.make("button", { "class": "cgap", type: "button", "data-gap": n, "aria-label": g.time + ", " + g.words + " with " + who.name + ", " + g.waiting }), g.from, g.to - g.from), words = B.make("span");
      words.append(B.make("b", {}, g.words), g.waiting);
      b.append(B.icon("hourglass"), words);
      col.append(b);
      var li = B.make("li", { "class": "gapline" }), grow = B.make("div", { "class": "grow" });
      grow.append(B.make("b", { dir: "auto" }, g.words + ", " + who.short), B.make("small", {}, g.waiting));
      li.append(B.make("time", {}, g.time.split("–")[0]), grow, B.make("button", { "class": "btn btn-sm", type: "button", "data-gap": n }, "Offer"));
      var after = B.all(".cal-list li", C.list).filter(function (e) { var t = e.querySelector("time"); return t && t.textContent > g.time; })[0];
      if (after) after.before(li); else C.list.querySelector("ul").append(li);
    });
  };
  document.addEventListener("click", function (ev) {
    var b = ev.target.closest("[data-gap]");
    if (!b) return;
    ev.stopPropagation();
    showGap(gaps[+b.dataset.gap], b);
  });
  var showGap = function (g, from) {
    var who = C.person(g.staff), box = B.make("div", { "class": "peek cal-peek", role: "dialog", "aria-label": g.words + " with " + who.name });
    var head = B.make("div", { "class": "peek-h" }), title = B.make("div"), x = B.make("button", { "class": "btn btn-quiet btn-icon btn-sm", type: "button", "data-cal-close": "", "aria-label": "Close" });
    title.append(B.make("b", { dir: "auto" }, g.words + ", " + who.name), B.make("small", {}, g.time));
    x.append(B.icon("x"));
    head.append(title, x);
    var ul = B.make("ul", { "class": "bk-list" }), wrong = B.make("div", { "class": "note bad", role: "alert", hidden: "" });
    wrong.append(B.icon("alert-circle"), B.make("span", { dir: "auto" }));
    g.fits.forEach(function (f) {
      var li = B.make("li"), grow = B.make("div", { "class": "grow" }), b = B.make("button", { "class": "btn btn-sm", type: "button", "aria-label": "Offer to " + f.name }, "Offer");
      grow.append(B.make("b", { dir: "auto" }, f.name), B.make("small", { dir: "auto" }, f.sub));
      b.addEventListener("click", function () {
        b.disabled = true;
        C.post("/offer", { entry: f.entry, from: f.from, to: f.to, staff: g.staff }).then(function (answer) {
          b.disabled = false;
          if (!answer.ok) { wrong.hidden = false; wrong.querySelector("span").textContent = answer.body.sentence; return; }
          C.closePeek();
          done(answer.body, answer.body.key);
        });
      });
      li.append(grow, b);
      ul.append(li);
    });
    var foot = B.make("div", { "class": "peek-f" }), book = B.make("button", { "class": "btn btn-sm btn-quiet", type: "button" }, "Book somebody else");
    book.addEventListener("click", function () { C.closePeek(); C.book(0, g.from, g.staff); });
    foot.append(book);
    box.append(head, ul, wrong, foot);
    C.closePeek();
    peek = { key: "", id: 0, box: box, from: from, inList: false };
    document.body.append(box);
    place();
    (box.querySelector(".bk-list button") || x).focus({ preventScroll: true });
  };
  C.wrap.addEventListener("drawn", function () { drawGaps(); askGaps(); });
  askGaps();

  /* ---- the panels beside follow the calendar ---- */
  var side = C.wrap.querySelector("[data-cal-side]"), first = true;
  C.wrap.addEventListener("drawn", function () {
    if (first) { first = false; return; }
    B.json(C.config.here + "/side").then(function (d) { if (d && side && !side.contains(document.activeElement)) side.innerHTML = d.html; });
  });
})();
