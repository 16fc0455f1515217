/* The days of the month beside the calendar on which nobody has time left are underlined. */
(function () {
  var B = window.Backroom, C = B && B.cal;
  if (!C) return;
  var days = B.all("[data-cal-day]", C.wrap), query = new URLSearchParams(C.config.query);
  if (!days.length) return;
  query.set("day", query.get("from"));
  var ask = B.later(100, function () {
    B.json(C.config.here + "/month?" + query).then(function (d) {
      if (!d) return;
      days.forEach(function (a) {
        var full = d.full.indexOf(a.dataset.calDay) >= 0;
        a.classList.toggle("full", full);
        if (full) { a.title = "Full"; a.setAttribute("aria-label", a.textContent + ", full"); } else { a.removeAttribute("title"); a.removeAttribute("aria-label"); }
      });
    });
  });
  C.wrap.addEventListener("drawn", ask);
  ask();
})();
