/* Forms: sent once, nothing typed is lost unasked, the summary of errors takes the focus, Escape leaves. */
(function () {
  var B = window.Backroom;
  if (!B) return;
  var dirty = null;

  B.all("form[data-guard]").forEach(function (f) {
    var touch = function (ev) { if (ev.isTrusted || ev.detail === "typed") dirty = f; };
    f.addEventListener("input", touch);
    f.addEventListener("change", touch);
    f.addEventListener("lines", function () { dirty = f; });
    if (f.querySelector("[data-summary]")) dirty = f;
  });
  addEventListener("beforeunload", function (ev) {
    if (!dirty) return;
    ev.preventDefault();
    ev.returnValue = "";
  });

  /* The pressed button keeps its width and says what it does; a second press does nothing. */
  document.addEventListener("submit", function (ev) {
    var f = ev.target;
    if (ev.defaultPrevented || (f.method || "").toLowerCase() !== "post") return;
    if (f.dataset.sent) { ev.preventDefault(); return; }
    f.dataset.sent = "1";
    if (dirty === f) dirty = null;
    var b = ev.submitter;
    if (!b || b.tagName !== "BUTTON" || b.classList.contains("pop-row") || b.classList.contains("btn-icon")) return;
    /* after the browser has taken the form's values: a disabled button would not be sent */
    setTimeout(function () {
      b.style.minWidth = b.offsetWidth + "px";
      b.dataset.was = b.textContent;
      b.textContent = b.dataset.busy || "Saving";
      b.setAttribute("aria-busy", "true");
      b.disabled = true;
    }, 0);
  });
  /* back in history shows the page as it was sent: make it usable again */
  addEventListener("pageshow", function (ev) {
    if (!ev.persisted) return;
    B.all("form[data-sent]").forEach(function (f) { delete f.dataset.sent; });
    B.all("button[data-was]").forEach(function (b) { b.textContent = b.dataset.was; b.disabled = false; b.removeAttribute("aria-busy"); });
  });

  var summary = document.querySelector("[data-summary]");
  if (summary) summary.focus();

  document.addEventListener("keydown", function (ev) {
    var f = ev.target.closest && ev.target.closest("form[data-guard]");
    if (f && ev.key === "Enter" && (ev.ctrlKey || ev.metaKey)) {
      ev.preventDefault();
      var main = f.querySelector("button.btn-primary[type=submit], button[type=submit]");
      if (main) f.requestSubmit(main);
    }
  });
  /* Escape goes where Cancel goes; the browser asks when something was typed. */
  B.leaveForm = function () {
    var cancel = document.querySelector("[data-cancel]");
    if (!cancel) return false;
    location.assign(cancel.href);
    return true;
  };
  document.addEventListener("click", function (ev) { if (ev.target.closest("[data-discard]")) dirty = null; });

  /* a chosen or dropped file says its name */
  B.all(".drop input[type=file]").forEach(function (input) {
    var box = input.closest(".drop"), name = box.querySelector("b"), was = name.textContent;
    var show = function () {
      var file = input.files[0];
      name.textContent = file ? file.name : was;
      box.classList.toggle("has-file", !!file);
      var limit = Number(input.dataset.max || 0);
      input.setCustomValidity(file && limit && file.size > limit ? "This file is larger than the limit: split it, or ask an admin." : "");
      var go = input.form.querySelector("button[type=submit]");
      if (go) go.hidden = !file;
    };
    input.addEventListener("change", show);
    show();
    ["dragover", "dragenter"].forEach(function (n) { box.addEventListener(n, function (ev) { ev.preventDefault(); box.classList.add("is-over"); }); });
    ["dragleave", "drop"].forEach(function (n) { box.addEventListener(n, function () { box.classList.remove("is-over"); }); });
    box.addEventListener("drop", function (ev) { ev.preventDefault(); if (ev.dataTransfer.files.length) { input.files = ev.dataTransfer.files; show(); } });
  });
})();
