/* Lists: selection, the bulk bar, arrows and letters on rows. */
(function () {
  var B = window.Backroom;
  if (!B) return;
  var card = document.querySelector("[data-list-card]");
  if (!card) return;
  var boxes = B.all(".select-box", card), rows = B.all("[data-row]", card);
  var master = card.querySelector("#select-all"), bar = card.querySelector("[data-bulk]");
  var list = card.querySelector("[data-list]"), last = null, everything = false, at = -1;

  var sync = function () {
    var n = boxes.filter(function (b) { return b.checked; }).length;
    boxes.forEach(function (b) { b.closest("tr").classList.toggle("is-selected", b.checked); });
    if (master) { master.checked = n > 0 && n === boxes.length; master.indeterminate = n > 0 && n < boxes.length; }
    if (!bar) return;
    if (n < boxes.length) everything = false;
    bar.hidden = n === 0;
    if (list) list.classList.toggle("has-bulk", n > 0);
    var all = bar.querySelector("[data-bulk-all]");
    if (all) all.hidden = everything || n < boxes.length;
    var match = all ? all.dataset.match : "";
    bar.querySelector("[data-bulk-text]").textContent =
      everything ? "All " + (match ? match + " " : "") + "that match are selected." : n + (n === boxes.length ? " on this page selected." : " selected.");
    bar.querySelector("[data-bulk-clear]").checked = n > 0;
  };
  var selectTo = function (box, on) {
    var a = boxes.indexOf(last === null ? box : last), b = boxes.indexOf(box);
    boxes.slice(Math.min(a, b), Math.max(a, b) + 1).forEach(function (x) { x.checked = on; });
  };
  boxes.forEach(function (b) {
    b.addEventListener("click", function (ev) {
      if (ev.shiftKey && last) selectTo(b, b.checked);
      last = b;
      sync();
    });
  });
  if (master) master.addEventListener("click", function () { boxes.forEach(function (b) { b.checked = master.checked; }); sync(); });
  if (bar) {
    bar.querySelector("[data-bulk-clear]").addEventListener("click", function () { boxes.forEach(function (b) { b.checked = false; }); everything = false; sync(); });
    var allButton = bar.querySelector("[data-bulk-all]");
    if (allButton) allButton.addEventListener("click", function () { everything = true; sync(); });
    B.all("[data-bulk-form]", bar).forEach(function (f) {
      f.addEventListener("submit", function (ev) {
        var chosen = boxes.filter(function (b) { return b.checked; });
        f.elements.ids.value = everything ? "" : chosen.map(function (b) { return b.value; }).join(",");
        f.elements.all.value = everything ? "1" : "";
        if (!everything || f.dataset.asked) return;
        ev.preventDefault();
        ask(f, ev.submitter);
      });
    });
  }
  /* over 100 records: ask once, with the number */
  var ask = function (f, button) {
    var match = bar.querySelector("[data-bulk-all]").dataset.match, verb = button ? button.textContent.trim() : "Do it";
    document.querySelector("[data-bulk-question]").textContent = verb + " for all " + (match || "") + " that match?";
    var yes = document.querySelector("[data-bulk-yes]");
    yes.textContent = verb;
    yes.onclick = function () { f.dataset.asked = "1"; document.getElementById("bulk-confirm").close(); f.requestSubmit(button); };
    B.open("bulk-confirm", button);
  };
  addEventListener("pageshow", sync);

  var show = function (i) {
    if (!rows.length) return;
    at = Math.max(0, Math.min(rows.length - 1, i));
    rows.forEach(function (r, n) { r.classList.toggle("is-at", n === at); });
    var link = rows[at].querySelector("[data-open]");
    (link || rows[at]).focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", function (ev) {
    var r = ev.target.closest("[data-row]");
    if (r) { at = rows.indexOf(r); rows.forEach(function (x) { x.classList.toggle("is-at", x === r); }); }
  });
  B.listKey = function (ev) {
    if (ev.key === "ArrowDown") show(at + 1);
    else if (ev.key === "ArrowUp") show(at - 1);
    else if (ev.key === "Enter" && at >= 0 && ev.target.closest("[data-row], body") && !ev.target.closest("a, button, summary, input")) {
      var link = rows[at].querySelector("[data-open]");
      if (link) link.click();
    } else if (/^x$/i.test(ev.key) && at >= 0 && B.letters()) {
      var box = rows[at].querySelector(".select-box");
      if (!box) return false;
      if (ev.shiftKey && last) selectTo(box, true); else box.checked = !box.checked;
      last = box;
      sync();
    } else return false;
    return true;
  };
  B.nextView = function () {
    var tabs = B.all("[data-views] a"), now = tabs.findIndex(function (t) { return t.hasAttribute("aria-current"); });
    if (tabs.length > 1) tabs[(now + 1) % tabs.length].click();
  };
})();
