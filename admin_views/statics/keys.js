/* The keyboard. Letters work outside of fields only, and can be switched off in the account menu. */
(function () {
  var B = window.Backroom, going = 0;
  if (!B) return;
  B.going = function () { return going && Date.now() - going < 1500; };
  B.letters = function () { return document.documentElement.dataset.letters === "on"; };
  var GO = { t: "today", c: "calendar", k: "counter", u: "customers", o: "orders", r: "reports", b: "bookings", i: "imports" };
  var menuLink = function (letter) {
    var named = document.querySelector(".bk-nav [data-goto='" + letter + "']");
    if (named) return named;
    var word = GO[letter];
    return word && B.all(".bk-nav a").filter(function (a) { return a.textContent.trim().toLowerCase().indexOf(word) === 0; })[0];
  };
  var press = function (selector) {
    var e = document.querySelector(selector);
    if (!e) return false;
    if (e.matches("input")) { e.focus(); e.select(); } else e.click();
    return true;
  };
  var timeTab = function (n) {
    var tabs = B.all("[data-time-tabs] a");
    if (!tabs[n]) return false;
    tabs[n].click();
    return true;
  };
  var letter = function (key) {
    if (B.going()) {
      going = 0;
      var a = menuLink(key);
      if (a) { a.click(); return true; }
      return key === "t" && press(".bk-brand");
    }
    if (key === "g") { going = Date.now(); return true; }
    if (key === "n") return press("[data-key='n']") || press("[data-new]");
    if (key === "f") { var d = document.querySelector("[data-bar] details.chip"); if (d) { d.open = true; d.querySelector("summary").focus(); } return !!d; }
    if (key === "v") { if (B.nextView) B.nextView(); return !!B.nextView; }
    if (key === "?") { B.open("keys-dialog"); return true; }
    if (/^[1-7]$/.test(key)) return timeTab(Number(key) - 1);
    return press("[data-key='" + CSS.escape(key) + "']");
  };
  document.addEventListener("keydown", function (ev) {
    if ((ev.ctrlKey || ev.metaKey) && ev.key.toLowerCase() === "k") {
      if (press("[data-find]:not([hidden])") || press("[data-search]")) ev.preventDefault();
      return;
    }
    if (ev.key === "Escape") {
      if (document.querySelector("dialog[open]")) return;
      if (B.closePop() || B.closeMenu()) { ev.preventDefault(); return; }
      if (B.busyWith(ev)) { ev.target.blur(); return; }
      B.leaveForm();
      return;
    }
    if (ev.ctrlKey || ev.metaKey || ev.altKey || document.querySelector("dialog[open]")) return;
    if (B.busyWith(ev) && !(ev.target.type === "checkbox" && ev.target.classList.contains("select-box"))) return;
    if (ev.target.closest("details.pop[open]")) return;
    if (ev.key === "/") { if (press("[data-search]") || press("[data-find]")) ev.preventDefault(); return; }
    if (B.listKey && B.listKey(ev)) { ev.preventDefault(); return; }
    if (B.letters() && ev.key.length === 1 && letter(ev.key.toLowerCase())) ev.preventDefault();
  });
})();
