/* A stay in the dialog to book: which nights, what they cost, and whether there is room for them. */
(function () {
  var B = window.Backroom, C = B && B.cal, dialog = document.getElementById("cal-book");
  if (!C || !dialog) return;
  var form = dialog.querySelector("form"), price = form.querySelector("[data-cal-price]"), known = { text: "", kind: "" }, stop = null;

  var turnInto = function (kind) {
    if ((form.dataset.kind || "") === kind) return;
    form.dataset.kind = kind;
    C.fitBook();
    ask();
  };
  /* asked while it is typed: what it says now is shown, the focus stays where it is */
  var ask = function () {
    if (stop) stop.abort();
    price.textContent = "";
    if (form.dataset.kind !== "stay") return;
    stop = new AbortController();
    var f = form.elements, query = new URLSearchParams({ service: f.service.value, day: f.day.value, nights: f.nights.value, now: f.now.value });
    B.json(C.config.here + "/stay?" + query, stop.signal).then(function (d) {
      if (!d || !dialog.open) return;
      C.clear(form);
      price.textContent = d.said || "";
      if (d.refusal && !C.note(form, d.refusal)) price.textContent = d.refusal.sentence;
    });
  };
  var soon = B.later(250, ask);
  form.addEventListener("picked", function (ev) {
    if (!ev.target.contains(form.elements.service)) return;
    known = { text: ev.detail.text, kind: ev.detail.kind || "" };
    if (form.dataset.kind === known.kind) ask(); else turnInto(known.kind);
  });
  form.addEventListener("input", function (ev) {
    if (ev.target.name === "service_text") turnInto(ev.target.value === known.text ? known.kind : "");
    if (ev.target.name === "day" || ev.target.name === "nights") soon();
  });
  form.addEventListener("reset", function () { known = { text: "", kind: "" }; turnInto(""); });
  form.addEventListener("shown", ask);
})();
