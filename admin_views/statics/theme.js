/* Loaded in <head> without defer, so that the theme and the row height stand before the first paint. */
(function () {
  var root = document.documentElement;
  var kept = function (name) { try { return localStorage.getItem(name); } catch (e) { return null; } };
  var dark = matchMedia("(prefers-color-scheme: dark)");
  var theme = kept("theme");
  root.setAttribute("data-bs-theme", theme === "dark" || theme === "light" ? theme : dark.matches ? "dark" : "light");
  root.dataset.rows = kept("rows") === "one" ? "one" : "two";
  root.dataset.letters = kept("letters") === "off" ? "off" : "on";
  /* A script of ours that did not arrive: the files after it do nothing without it, so the page is asked for once more. */
  var missed = false;
  addEventListener("error", function (ev) {
    if (!ev.target || ev.target.tagName !== "SCRIPT" || missed) return;
    missed = true;
    try {
      if (sessionStorage.getItem("missed") === location.href) return;
      sessionStorage.setItem("missed", location.href);
    } catch (e) { return; /* without a memory it might ask for ever */ }
    location.reload();
  }, true);
  addEventListener("load", function () { if (!missed) try { sessionStorage.removeItem("missed"); } catch (e) { /* storage may be off */ } });
  dark.addEventListener("change", function (ev) {
    if (!kept("theme")) root.setAttribute("data-bs-theme", ev.matches ? "dark" : "light");
  });
})();
