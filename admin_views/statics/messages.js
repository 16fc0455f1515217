/* Words of messages: fields are put in where one writes, and what a customer would read stands beside, live. */
(function () {
  var B = window.Backroom;
  if (!B) return;
  var box = document.querySelector("[data-preview]");
  if (!box) return;
  var form = document.querySelector("form[data-guard]"), subject = form.elements.subject, body = form.elements.body;
  var event = form.elements.event, channel = form.elements.channel, last = body, typed = {};
  var seen = { subject: box.querySelector("[data-seen-subject]"), body: box.querySelector("[data-seen-body]"), error: box.querySelector("[data-seen-error]"), size: box.querySelector("[data-size]") };
  var whose = function () { return form.elements.customer ? form.elements.customer.value : ""; };
  var now = function (field, given) { return field && field.value !== undefined ? field.value : box.dataset[given] || ""; };

  [subject, body].forEach(function (field) {
    if (!field) return;
    field.addEventListener("focus", function () { last = field; });
    field.addEventListener("input", function (ev) { if (ev.isTrusted || ev.detail === "typed") typed[field.name] = true; });
  });
  document.addEventListener("click", function (ev) {
    var b = ev.target.closest("[data-insert]");
    if (!b || !last) return;
    var text = "{{" + b.dataset.insert + "}}", from = last.selectionStart, to = last.selectionEnd;
    last.setRangeText(text, from, to, "end");
    last.focus();
    last.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "typed" }));
  });

  var stop = null;
  var draw = function (d) {
    seen.error.hidden = !d.error;
    seen.error.textContent = d.error || "";
    if (d.error) { seen.size.textContent = ""; return; }
    seen.subject.textContent = d.subject;
    seen.body.textContent = d.body;
    seen.size.textContent = d.size;
  };
  var look = function () {
    var used = form.elements.template ? form.elements.template.value : "";
    if ((!body.value.trim() && !used) || !whose()) return;
    if (stop) stop.abort();
    stop = new AbortController();
    var sent = new FormData();
    sent.set("event", now(event, "event")); sent.set("channel", now(channel, "channel"));
    sent.set("subject", subject ? subject.value : ""); sent.set("body", body.value); sent.set("customer", whose());
    if (used) sent.set("template", used);
    fetch(box.dataset.preview, { method: "POST", body: sent, headers: { Accept: "application/json" }, credentials: "same-origin", signal: stop.signal })
      .then(function (r) { return r.ok ? r.json() : null; })
      .then(function (d) { if (d) draw(d); })
      .catch(function () { /* the next letter asks again */ });
  };
  var soon = B.later(300, look);
  form.addEventListener("input", soon);
  form.addEventListener("picked", look);

  /* another occasion or channel: its fields, and the house's words where nothing of one's own was typed */
  var fields = document.querySelector("[data-fields]");
  var turn = function () {
    var short = /^(sms|push)$/.test(now(channel, "channel"));
    if (subject) subject.closest(".fld").hidden = short;
    if (!box.dataset.house) return;
    var u = new URL(box.dataset.house, location.href);
    u.searchParams.set("event", event.value); u.searchParams.set("channel", channel.value);
    form.elements.purpose.closest(".fld").hidden = !!event.value;
    B.json(u).then(function (d) {
      if (!d) return;
      fields.textContent = "";
      d.fields.forEach(function (f) {
        var b = B.make("button", { "class": "ms-field", type: "button", "data-insert": f[0], title: f[1] });
        b.append(B.make("code", {}, f[0]), B.make("span", {}, f[1]));
        fields.append(b);
      });
      if (!typed.subject && subject) subject.value = d.subject;
      if (!typed.body) body.value = d.body;
      look();
    });
  };
  [event, channel].forEach(function (field) { if (field && field.addEventListener) field.addEventListener("change", turn); });
  if (body.value.trim() && box.dataset.house && form.querySelector("[data-summary]")) typed = { subject: true, body: true };
  if (event && event.value === "" && body.value.trim()) typed = { subject: true, body: true };
  if (subject) subject.closest(".fld").hidden = /^(sms|push)$/.test(now(channel, "channel"));
  if (event && form.elements.purpose) form.elements.purpose.closest(".fld").hidden = !!event.value;
  look();
})();
