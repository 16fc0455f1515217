/* Writing to a customer: the purpose says which ways are open, a template brings its way and words. */
(function () {
  var B = window.Backroom;
  if (!B) return;
  var form = document.querySelector("form[data-guard]");
  if (!form) return;
  var purpose = form.elements.purpose, template = form.elements.template, ways = B.all("[data-told]", form);
  var free = form.querySelector("[data-free]"), more = form.querySelector("[data-free-too]"), take = form.querySelector("[data-take]");
  var again = function () { form.dispatchEvent(new Event("picked")); };

  var allow = function () {
    ways.forEach(function (w) {
      var told = JSON.parse(w.dataset.told)[purpose.value] || { can: true, why: "" };
      w.disabled = !told.can;
      w.closest(".ms-way").querySelector("[data-why]").textContent = told.why;
      if (!told.can) w.checked = false;
    });
    if (!ways.some(function (w) { return w.checked; })) {
      var first = ways.filter(function (w) { return !w.disabled; })[0];
      if (first) first.checked = true;
    }
    shape();
  };
  var shape = function () {
    var on = ways.filter(function (w) { return w.checked; })[0], by = on ? on.value : "", used = template && template.value;
    form.elements.subject.closest(".fld").hidden = /^(sms|push)$/.test(by);
    free.hidden = !!used;
    more.hidden = !!used;
    if (take) take.hidden = !used;
    again();
  };
  purpose.addEventListener("change", allow);
  ways.forEach(function (w) {
    w.addEventListener("change", function () {
      var t = template && template.selectedOptions[0];
      if (t && t.value && t.dataset.channel !== w.value) template.value = "";
      shape();
    });
  });
  if (template) template.addEventListener("change", function () {
    var t = template.selectedOptions[0];
    if (t.value) {
      purpose.value = t.dataset.purpose;
      ways.forEach(function (w) { w.checked = w.value === t.dataset.channel; });
    }
    allow();
  });
  if (take) take.addEventListener("click", function () {
    form.elements.subject.value = document.querySelector("[data-seen-subject]").textContent;
    form.elements.body.value = document.querySelector("[data-seen-body]").textContent;
    template.value = "";
    shape();
    form.elements.body.focus();
  });
  allow();
})();
