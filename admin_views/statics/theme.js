/* Loaded in <head> without defer, so that the theme and the row height stand before the first paint. */
(function () {
  var root = document.documentElement;
  var kept = function (name) { try { return localStorage.getItem(name); } catch (e) { return null; } };
  var dark = matchMedia("(prefers-color-scheme: dark)");
  var theme = kept("theme");
  root.setAttribute("data-bs-theme", theme === "dark" || theme === "light" ? theme : dark.matches ? "dark" : "light");
  root.dataset.rows = kept("rows") === "one" ? "one" : "two";
  root.dataset.letters = kept("letters") === "off" ? "off" : "on";
  dark.addEventListener("change", function (ev) {
    if (!kept("theme")) root.setAttribute("data-bs-theme", ev.matches ? "dark" : "light");
  });
})();
