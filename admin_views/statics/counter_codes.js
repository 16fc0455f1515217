/* The counter's codes: one is typed, the server says what it takes off; one that does not hold goes back into its field, with the reason. */
(function () {
  var B = window.Backroom, T = B && B.counter;
  if (!T) return;
  var form = T.at("code"), input = T.at("code-in"), said = T.at("code-said"), list = T.at("codes");
  var same = function (a, b) { return a.replace(/\s/g, "").toUpperCase() === b.replace(/\s/g, "").toUpperCase(); };
  var tell = function (sentence) {
    said.hidden = !sentence;
    said.textContent = sentence || "";
    input.classList.toggle("is-invalid", !!sentence);
    if (sentence) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
  };
  var hasIt = function (code) { return T.sale.codes.some(function (one) { return same(one, code); }); };

  T.drawCodes = function () {
    list.textContent = "";
    T.sale.codes.forEach(function (code, n) {
      var li = B.make("li"), x = B.make("button", { "class": "btn btn-quiet btn-sm btn-icon", type: "button", "data-pos-uncode": n, "aria-label": "Remove code " + code, title: "Remove" });
      x.append(B.icon("x"));
      li.append(B.icon("ticket"), B.make("span", { dir: "auto" }, code), x);
      list.append(li);
    });
  };
  /* A refused code leaves the sale: the price is asked for without it, and what was typed stands in the field again. */
  T.codeRefused = function (body) {
    var at = /^codes\.(\d+)/.exec(body.field || "");
    if (!at || !T.sale.codes[Number(at[1])]) return false;
    var code = T.sale.codes.splice(Number(at[1]), 1)[0];
    if (!input.value.trim()) input.value = code;
    T.changed();
    tell(body.sentence);
    input.focus({ preventScroll: true });
    return true;
  };
  form.addEventListener("submit", function (ev) {
    ev.preventDefault();
    var code = input.value.trim();
    if (!code || T.sale.done || T.busy) return;
    tell("");
    input.value = "";
    if (hasIt(code)) return;
    T.sale.codes.push(code);
    T.say("Code " + code + " is tried.");
    T.changed();
  });
  input.addEventListener("input", function () { tell(""); });
  list.addEventListener("click", function (ev) {
    var b = ev.target.closest("[data-pos-uncode]");
    if (!b || T.sale.done) return;
    T.sale.codes.splice(Number(b.dataset.posUncode), 1);
    T.changed();
    input.focus({ preventScroll: true });
  });
  document.addEventListener("keydown", function (ev) {
    if (ev.key !== "F7" || ev.altKey || ev.metaKey || ev.shiftKey || ev.ctrlKey || ev.repeat || document.querySelector("dialog[open]")) return;
    if (T.sale.done || !T.sale.lines.length) return;
    ev.preventDefault();
    input.focus();
    input.select();
  });
  T.drawCodes();
})();
