/* Taking a payment: only the fields that its kind has, and the change while it is typed. */
(function () {
  var form = document.querySelector("[data-till]");
  if (!form) return;
  var tender = form.elements.tender, amount = form.elements.amount, given = form.elements.tendered;
  var out = form.querySelector("[data-change]"), parts = form.querySelectorAll("[data-if-tender]");
  function cents(text) {
    var plain = text.replace(/[\s\u00a0\u202f'’]/g, "");
    if (/^\d+,\d{1,2}$/.test(plain)) plain = plain.replace(",", ".");
    plain = plain.replace(/,(?=\d{3}(\D|$))/g, "");
    return /^\d+(\.\d{0,2})?$/.test(plain) ? Math.round(parseFloat(plain) * 100) : null;
  }
  function show() {
    parts.forEach(function (part) {
      var on = part.dataset.ifTender.split(" ").indexOf(tender.value) >= 0;
      part.hidden = !on;
      part.querySelectorAll("input").forEach(function (i) { i.disabled = !on; });
    });
    var owed = cents(amount.value), cash = cents(given.value), back = cash === null || owed === null ? null : cash - owed;
    out.textContent = back === null ? "–" : back < 0 ? ((-back) / 100).toFixed(2) + " is missing" : (back / 100).toFixed(2);
  }
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  show();
})();
