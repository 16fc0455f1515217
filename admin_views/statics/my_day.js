/* My day by the keyboard: arrows go from task to task, 1 to 9 say how it went, W opens the words. */
(function () {
  var B = window.Backroom;
  if (!B) return;
  var rows = B.all("[data-todo]"), at = -1;
  if (!rows.length) return;
  var show = function (n) {
    at = Math.max(0, Math.min(rows.length - 1, n));
    rows.forEach(function (r, i) { r.classList.toggle("is-at", i === at); });
    rows[at].focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", function (ev) {
    var r = ev.target.closest("[data-todo]");
    if (r) { at = rows.indexOf(r); rows.forEach(function (x) { x.classList.toggle("is-at", x === r); }); }
  });
  B.listKey = function (ev) {
    var row = rows[at];
    if (ev.key === "ArrowDown") { show(at + 1); return true; }
    if (ev.key === "ArrowUp") { show(at < 0 ? 0 : at - 1); return true; }
    if (!row || ev.target.closest("a, button, summary")) return false;
    if (ev.key === "Enter") { row.querySelector("[data-open]").click(); return true; }
    if (!B.letters() || B.going()) return false;
    if (/^[1-9]$/.test(ev.key)) {
      var quick = B.all("[data-quick]", row)[Number(ev.key) - 1];
      if (quick) quick.click();
      return !!quick;
    }
    if (ev.key.toLowerCase() === "w") {
      var own = row.querySelector(".md-more");
      if (!own) return false;
      own.open = true;
      own.querySelector("input:not([type=hidden])").focus();
      return true;
    }
    return false;
  };
  /* after a click the next task is at hand */
  var wrong = document.querySelector(".md-more[open] [aria-invalid]");
  if (wrong) wrong.focus();
})();
