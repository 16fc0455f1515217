/* What changes the calendar with the mouse: dragging a booking, its lower edge, a click on free time.
   What the server refuses springs back, and the sentence is shown. */
(function () {
  var B = window.Backroom, C = B && B.cal;
  if (!C) return;
  var STEP = 5, grid = C.grid;

  /* ---- asking the server ---- */
  var LOST = "The connection was lost; nothing was saved: try again.";
  C.post = function (path, values) {
    var body = new URLSearchParams();
    Object.keys(values).forEach(function (k) { if (values[k] !== null && values[k] !== undefined) body.append(k, values[k]); });
    return fetch(C.config.here + path, { method: "POST", body: body, headers: { Accept: "application/json" }, credentials: "same-origin" })
      .then(function (r) { return r.json().then(function (d) { return { ok: r.ok, body: r.ok || d.sentence ? d : { sentence: d.message || LOST } }; }); })
      .catch(function () { return { ok: false, body: { sentence: LOST } }; });
  };
  C.toast = function (text, undo) {
    B.say(text);
    var toasts = document.getElementById("toasts"), t = toasts && toasts.lastElementChild;
    if (!t || !undo) return;
    var b = B.make("button", { "class": "btn btn-sm", type: "button" }, "Undo");
    b.addEventListener("click", function () { t.remove(); undo(); });
    t.append(b);
  };

  /* ---- a move: at once on the screen, then by the server; back again if it says no ---- */
  C.move = function (b, from, to, staff) {
    var send = function (values) {
      C.sending += 1;
      return C.post(C.path(b), values).then(function (answer) {
        C.sending -= 1;
        if (!answer.ok) { C.draw(); B.say(answer.body.sentence, "danger"); return C.read(); }
        placed(b, answer.body.seen, values.from, values.to, values.staff);
        var back = Object.assign({ seen: answer.body.seen }, answer.body.undo);
        C.toast(answer.body.message, values.undone ? null : function () { send(Object.assign({ undone: 1 }, back)); });
        return C.read();
      });
    };
    return send({ from: from, to: to, staff: staff, seen: C.seen(b) });
  };
  /* what was moved is known to be there before everything is read again: the next key may move it on */
  var placed = function (b, seen, from, to, staff) {
    var n = C.dayAt(from), d = C.data.days[n], held = C.block(C.key(b)) || b;
    held.seen = seen;
    if (!d) return;
    Object.assign(held, { from: from, to: to, staff: staff, parts: [[n, (from - d.begins) / 60, (to - d.begins) / 60]] });
    held.time = C.text(d, held.parts[0][1]) + "–" + C.text(d, held.parts[0][2]);
    C.draw();
  };
  C.canMove = function (b) {
    var d = b.parts.length === 1 && C.data.days[b.parts[0][0]];
    return !!(C.movable(b) && d && b.from >= d.begins && b.to <= d.begins + d.minutes * 60);
  };

  /* where a block is shown, which while its move is sent is not yet where it is known to be */
  C.shown = function (e) {
    var from = +e.style.getPropertyValue("--at");
    return { from: from, to: from + +e.style.getPropertyValue("--for") };
  };

  /* ---- where the pointer is: column, and minute of its day ---- */
  var columnAt = function (x) {
    return B.all(".cal-col", grid).filter(function (c) { var r = c.getBoundingClientRect(); return x >= r.left && x < r.right; })[0];
  };
  var minuteAt = function (col, y) { return C.low + (y - col.getBoundingClientRect().top) / C.px; };
  var snap = function (m, step) { return Math.round(m / step) * step; };
  var day = function (col) { return C.data.days[+col.dataset.day]; };

  var drag = null;
  var begin = function (ev) {
    var e = ev.target.closest(".cb[data-key]");
    if (!e || ev.button !== 0 || ev.pointerType === "touch") return;
    var b = C.block(e.dataset.key);
    if (!b || !C.canMove(b)) return;
    var at = C.shown(e), col = e.closest(".cal-col");
    drag = C.carried = {
      b: b, e: e, x: ev.clientX, y: ev.clientY, col: col, from: at.from, to: at.to, moved: false,
      resize: !!ev.target.closest("[data-resize]")
    };
    drag.grab = minuteAt(col, ev.clientY) - (drag.resize ? drag.to : drag.from);
    if (drag.resize) ev.preventDefault();
  };
  var label = function () {
    var d = day(drag.col), t = drag.e.querySelector(".cb-t");
    if (t && t.firstChild && t.firstChild.nodeType === 3) t.firstChild.data = C.text(d, drag.from) + "–" + C.text(d, drag.to);
  };
  var follow = function (ev) {
    if (!drag) return;
    if (!(ev.buttons & 1)) { cancel(); return; } /* it was let go where this page did not hear of it */
    if (!drag.moved) {
      if (Math.abs(ev.clientX - drag.x) + Math.abs(ev.clientY - drag.y) < 5) return;
      drag.moved = true;
      if (C.closePeek) C.closePeek();
      drag.e.classList.add("is-drag");
      grid.classList.add("is-dragging");
      drag.e.style.removeProperty("--left");
      drag.e.style.removeProperty("--wide");
    }
    ev.preventDefault();
    if (drag.resize) {
      drag.to = Math.min(day(drag.col).minutes, Math.max(drag.from + STEP, snap(minuteAt(drag.col, ev.clientY) - drag.grab, STEP)));
    } else {
      var col = columnAt(ev.clientX) || drag.col, length = drag.to - drag.from;
      if (col !== drag.col) { col.append(drag.e); drag.col = col; }
      drag.from = Math.max(0, Math.min(day(col).minutes - length, snap(minuteAt(col, ev.clientY) - drag.grab, STEP)));
      drag.to = drag.from + length;
    }
    C.put(drag.e, drag.from, drag.to - drag.from);
    label();
  };
  var stop = function () {
    var was = drag;
    drag = C.carried = null;
    grid.classList.remove("is-dragging");
    if (was) was.e.classList.remove("is-drag");
    return was;
  };
  var cancel = function () { if (stop()) C.draw(); };
  var drop = function () {
    if (!drag) return;
    var was = stop();
    if (!was.moved) { setTimeout(C.drawLate, 0); return; } /* the click that follows needs what was pressed */
    var d = day(was.col), staff = was.col.dataset.staff === "" ? was.b.staff : +was.col.dataset.staff;
    var from = d.begins + was.from * 60, to = d.begins + was.to * 60;
    grid.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(function () { grid.removeEventListener("click", swallow, true); }, 0);
    if (from === was.b.from && to === was.b.to && staff === was.b.staff) { C.draw(); return; }
    was.e.classList.add("is-saving");
    C.move(was.b, from, to, staff);
  };
  /* the click that ends a drag opens nothing */
  var swallow = function (ev) { ev.preventDefault(); ev.stopPropagation(); };
  grid.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", cancel);
  grid.addEventListener("dragstart", function (ev) { ev.preventDefault(); });
  C.stopDrag = function () {
    if (!drag || !drag.moved) return false;
    stop();
    C.draw();
    return true;
  };

  /* ---- free time: shown under the pointer, booked by a click ---- */
  var free = B.make("div", { "class": "cal-free", "aria-hidden": "true" });
  var isFree = function (target) { return target.matches(".cal-col, .coff, .cbuf, .cal-free, .coff > span"); };
  var spot = function (ev) {
    var col = columnAt(ev.clientX);
    if (!col) return null;
    var at = Math.max(0, Math.min(day(col).minutes - 15, Math.floor(minuteAt(col, ev.clientY) / 15) * 15));
    return { col: col, at: at, day: +col.dataset.day, staff: +col.dataset.staff || 0 };
  };
  grid.addEventListener("pointermove", function (ev) {
    if (!C.config.book || drag || ev.pointerType === "touch" || !isFree(ev.target)) { free.remove(); return; }
    var s = spot(ev);
    if (!s) return;
    C.put(free, s.at, 15);
    free.textContent = C.text(C.data.days[s.day], s.at) + " Book";
    if (free.parentNode !== s.col) s.col.append(free);
  });
  grid.addEventListener("pointerleave", function () { free.remove(); });
  /* what was pressed on a booking and let go beside it is no click on free time */
  var onFree = false;
  grid.addEventListener("pointerdown", function (ev) { onFree = isFree(ev.target); });
  grid.addEventListener("click", function (ev) {
    if (!C.config.book || !onFree || !isFree(ev.target)) return;
    var s = spot(ev);
    free.remove();
    if (s) C.book(s.day, s.at, s.staff);
  });
})();
