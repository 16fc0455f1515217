/* The calendar without a mouse: arrows between bookings, Shift and arrows move one, letters as in the guide. */
(function () {
  var B = window.Backroom, C = B && B.cal;
  if (!C) return;
  var STEP = 5, PAUSE = 700;

  var at = function () {
    var e = document.activeElement && document.activeElement.closest(".cb[data-key]");
    return e && C.grid.contains(e) ? e : null;
  };
  var column = function (e) { return e.closest(".cal-col"); };
  var blocks = function (col) {
    return B.all(".cb[data-key]", col).sort(function (x, y) { return x.offsetTop - y.offsetTop; });
  };
  var go = function (e) {
    if (!e) return false;
    e.querySelector("a").focus({ preventScroll: true });
    e.scrollIntoView({ block: "nearest", inline: "nearest" });
    return true;
  };
  var upDown = function (e, step) {
    var all = blocks(column(e));
    return go(all[all.indexOf(e) + step]);
  };
  /* the nearest one in the next column that has any */
  var sideways = function (e, step) {
    var cols = B.all(".cal-col", C.grid), n = cols.indexOf(column(e)) + step, y = e.offsetTop;
    for (; n >= 0 && n < cols.length; n += step) {
      var found = blocks(cols[n]).sort(function (p, q) { return Math.abs(p.offsetTop - y) - Math.abs(q.offsetTop - y); })[0];
      if (found) return go(found);
    }
    return false;
  };

  /* ---- moved by keys: shown at once, sent after a pause ---- */
  var held = null;
  var hold = function (e) {
    var b = C.block(e.dataset.key);
    if (!b || !C.canMove(b)) { B.say(b && b["class"] && !C.config.classes ? "Your role does not allow this: ask a manager to move the class." : "Only what is still to come can be moved.", "danger"); return null; }
    if (!held || C.key(held.b) !== C.key(b)) held = Object.assign(C.shown(e), { b: b, e: e, col: column(e), timer: null });
    C.carried = held;
    return held;
  };
  var send = function () {
    var h = held, d = C.data.days[+h.col.dataset.day];
    held = C.carried = null;
    var b = C.block(C.key(h.b)) || h.b, from = d.begins + h.from * 60, staff = h.col.dataset.staff === "" ? b.staff : +h.col.dataset.staff;
    if (from === b.from && staff === b.staff) { C.draw(); return; }
    C.move(b, from, from + b.to - b.from, staff);
  };
  var shift = function (e, key) {
    var h = hold(e);
    if (!h) return;
    clearTimeout(h.timer);
    var cols = B.all(".cal-col", C.grid), length = h.to - h.from, n = cols.indexOf(h.col);
    if (key === "ArrowUp" || key === "ArrowDown") {
      var day = C.data.days[+h.col.dataset.day];
      h.from = Math.max(0, Math.min(day.minutes - length, h.from + (key === "ArrowUp" ? -STEP : STEP)));
      h.to = h.from + length;
    } else {
      var next = cols[n + (key === "ArrowLeft" ? -1 : 1)];
      if (next) { next.append(h.e); h.col = next; h.e.querySelector("a").focus({ preventScroll: true }); }
    }
    C.put(h.e, h.from, length);
    var d = C.data.days[+h.col.dataset.day], text = C.text(d, h.from) + "–" + C.text(d, h.to), t = h.e.querySelector(".cb-t");
    if (t.firstChild && t.firstChild.nodeType === 3) t.firstChild.data = text;
    C.say(text + ", " + h.col.getAttribute("aria-label"));
    h.timer = setTimeout(send, PAUSE);
  };
  var letGo = function () {
    if (!held) return false;
    clearTimeout(held.timer);
    held = C.carried = null;
    C.draw();
    return true;
  };

  var press = function (key) {
    var a = document.querySelector("[data-cal-key='" + key + "']");
    if (a) a.click();
    return !!a;
  };
  var arrows = /^Arrow(Up|Down|Left|Right)$/;
  B.listKey = function (ev) {
    var e = at(), key = ev.key;
    if (document.querySelector(".cal-peek")) return false;
    if (arrows.test(key)) {
      if (e && ev.shiftKey) { shift(e, key); return true; }
      if (ev.shiftKey) return false;
      if (e) return (key === "ArrowUp" || key === "ArrowDown" ? upDown(e, key === "ArrowUp" ? -1 : 1) : sideways(e, key === "ArrowLeft" ? -1 : 1)) || true;
      if (key === "ArrowLeft" || key === "ArrowRight") return press(key);
      var all = B.all(".cb[data-key]", C.grid);
      if (!all.length || ev.target.closest("a, button, summary")) return false;
      return go(all[0]);
    }
    if (!B.letters() || key.length !== 1) return false;
    key = key.toLowerCase();
    if (B.going && B.going()) return false;
    if (key === "n" && C.config.book) { here(e); return true; }
    if (key === "i" && e && C.config.move) { var b = C.block(e.dataset.key); if (b && !b["class"]) C.carryOn(e.dataset.key, "check-in"); return true; }
    return /^[tdw]$/.test(key) && press(key);
  };
  /* N books after the booking that has the focus, else at the next quarter of an hour */
  var here = function (e) {
    var b = e && C.block(e.dataset.key);
    if (!b || !b.parts.length) { C.bookNext(); return; }
    var p = b.parts[b.parts.length - 1];
    C.book(p[0], Math.min(C.data.days[p[0]].minutes - 5, p[2] + b.after), b.staff);
  };
  /* before the keys of every page: Escape closes what the calendar has open, and nothing else */
  document.addEventListener("keydown", function (ev) {
    if (ev.key !== "Escape" || document.querySelector("dialog[open]")) return;
    if (C.stopDrag() || letGo() || C.closePeek(true)) { ev.preventDefault(); ev.stopPropagation(); }
  }, true);
})();
