/* What every page does: popovers, dialogs, toasts, theme, row height. window.Backroom is shared by the files after it. */
(function () {
  var root = document.documentElement;
  var B = window.Backroom = {
    all: function (s, where) { return Array.prototype.slice.call((where || document).querySelectorAll(s)); },
    keep: function (name, value) { try { localStorage.setItem(name, value); } catch (e) { /* storage may be off */ } },
    /* An element with its text set as text: what people typed is never read as HTML. */
    make: function (tag, attrs, text) {
      var e = document.createElement(tag);
      Object.keys(attrs || {}).forEach(function (k) { if (attrs[k] !== null && attrs[k] !== undefined) e.setAttribute(k, attrs[k]); });
      if (text !== undefined) e.textContent = text;
      return e;
    },
    icon: function (name) { return B.make("i", { "class": "ti ti-" + name, "aria-hidden": "true" }); },
    /* JSON of an address of ours, or null: a look-up that fails must not stop the typing. */
    json: function (url, signal) {
      return fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin", signal: signal })
        .then(function (r) { return r.ok ? r.json() : null; })
        .catch(function () { return null; });
    },
    later: function (ms, f) {
      var t = null;
      return function () { var a = arguments, me = this; clearTimeout(t); t = setTimeout(function () { f.apply(me, a); }, ms); };
    },
    busyWith: function (ev) { return /INPUT|TEXTAREA|SELECT/.test(ev.target.tagName) || ev.target.isContentEditable; },
    say: function (text, tone) {
      var box = document.getElementById("toasts");
      if (!box) return;
      var t = B.make("div", { "class": "bk-toast " + (tone || ""), "data-toast": "" });
      t.append(B.icon(tone === "danger" ? "alert-circle" : "circle-check"), B.make("span", { dir: "auto" }, text));
      box.append(t);
      live(t);
    }
  };

  /* ---- popovers: one open at a time, Escape and a click outside close, focus goes back ---- */
  var opened = function () { return B.all("details.pop[open]"); };
  var shut = function (d, focus) {
    d.open = false;
    if (d.classList.contains("is-shown")) d.classList.remove("is-shown");
    var s = d.querySelector("summary");
    if (focus && s) s.focus();
  };
  B.closePop = function () {
    var list = opened();
    list.forEach(function (d) { shut(d, true); });
    return list.length > 0;
  };
  document.addEventListener("click", function (ev) {
    opened().forEach(function (d) { if (!d.contains(ev.target)) shut(d); });
  });
  document.addEventListener("toggle", function (ev) {
    var d = ev.target;
    if (!d.matches || !d.matches("details.pop") || !d.open) return;
    opened().forEach(function (o) { if (o !== d && !o.contains(d)) shut(o); });
    place(d);
    var first = d.querySelector(".pop-body input:not([type=hidden]):not([type=radio]):not([type=checkbox]), .pop-body [autofocus]");
    if (first && matchMedia("(min-width: 768px)").matches) first.focus();
  }, true);
  /* A popover that would leave the window on the right opens to the left. */
  var place = function (d) {
    var body = d.querySelector(".pop-body");
    if (!body || matchMedia("(max-width: 767.98px)").matches) return;
    var box = body.getBoundingClientRect();
    if (box.right > innerWidth - 8) body.classList.add("end");
    else if (box.left < 8) body.classList.remove("end");
  };
  document.addEventListener("keydown", function (ev) {
    var d = ev.target.closest && ev.target.closest("details.pop[open]");
    if (!d || (ev.key !== "ArrowDown" && ev.key !== "ArrowUp")) return;
    if (ev.target.type === "radio" || ev.target.getAttribute("role") === "combobox") return;
    var rows = B.all(".pop-row", d).map(function (r) { return r.querySelector("input") || r; })
      .filter(function (e) { return e.offsetParent !== null; });
    if (!rows.length) return;
    ev.preventDefault();
    var at = rows.indexOf(document.activeElement) + (ev.key === "ArrowDown" ? 1 : -1);
    rows[(at + rows.length) % rows.length].focus();
  });

  /* ---- "+ Filter" shows a filter that waits behind it ---- */
  document.addEventListener("click", function (ev) {
    var a = ev.target.closest("[data-show-filter]");
    if (!a) return;
    var d = document.getElementById(a.dataset.showFilter);
    if (!d) return;
    ev.preventDefault();
    ev.stopPropagation();
    opened().forEach(function (o) { shut(o); });
    d.classList.add("is-shown");
    d.open = true;
    d.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, true);
  B.all("[data-clear]").forEach(function (b) {
    b.addEventListener("click", function () {
      B.all("input", b.form).forEach(function (i) {
        if (i.type === "checkbox" || i.type === "radio") i.checked = false;
        else if (i.type !== "hidden") i.value = "";
      });
    });
  });
  /* typing narrows the rows that are already there */
  B.fold = function (s) { return s.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase(); };
  B.all("[data-narrow]").forEach(function (input) {
    var rows = B.all(".pop-row", input.closest(".pop-body"));
    input.addEventListener("input", function () {
      var term = B.fold(input.value.trim());
      rows.forEach(function (r) { r.hidden = term !== "" && B.fold(r.textContent).indexOf(term) < 0; });
    });
    input.addEventListener("keydown", function (ev) { if (ev.key === "Enter") ev.preventDefault(); });
  });

  /* ---- dialogs ---- */
  var opener = null;
  B.open = function (id, from) {
    var d = document.getElementById(id);
    if (!d || d.open) return;
    opener = from || document.activeElement;
    opened().forEach(function (o) { shut(o); });
    d.showModal();
    var first = d.querySelector("input:not([type=hidden]), .btn-primary");
    if (first) first.focus();
  };
  document.addEventListener("click", function (ev) {
    var b = ev.target.closest("[data-dialog]");
    if (b) { ev.preventDefault(); B.open(b.dataset.dialog, b); return; }
    if (ev.target.closest("[data-print]")) { window.print(); return; }
    if (ev.target.closest("[data-close]")) { ev.target.closest("dialog").close(); return; }
    if (ev.target.tagName === "DIALOG") ev.target.close();
  });
  B.all("dialog").forEach(function (d) {
    d.addEventListener("close", function () {
      if (opener && opener.isConnected) opener.focus();
      if (d.dataset.nextUrl) location.replace(d.dataset.nextUrl);
    });
    if (d.hasAttribute("data-open-now")) B.open(d.id);
  });
  /* SQLAdmin deletes by DELETE; the answer is where to go next. */
  document.addEventListener("submit", function (ev) {
    var f = ev.target;
    if (!f.dataset.delete) return;
    ev.preventDefault();
    fetch(f.dataset.delete, { method: "DELETE", credentials: "same-origin" })
      .then(function (r) { return r.ok ? r.text() : Promise.reject(); })
      .then(function (next) { location.assign(next); })
      .catch(function () { B.say("It was not deleted: something still needs it. Try again, or archive it.", "danger"); });
  });

  /* ---- toasts: 8 seconds, longer while hovered or focused ---- */
  function live(t) {
    var timer = null;
    var start = function () { timer = setTimeout(function () { t.remove(); }, 8000); };
    var stop = function () { clearTimeout(timer); };
    ["mouseenter", "focusin"].forEach(function (n) { t.addEventListener(n, stop); });
    ["mouseleave", "focusout"].forEach(function (n) { t.addEventListener(n, function () { stop(); start(); }); });
    start();
  }
  B.all("[data-toast]").forEach(live);
  document.addEventListener("click", function (ev) {
    var b = ev.target.closest("[data-toast-close]");
    if (b) b.closest("[data-toast]").remove();
  });

  /* ---- theme, letter keys, row height ---- */
  B.all("[data-theme-toggle]").forEach(function (b) {
    b.addEventListener("click", function () {
      var next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      root.setAttribute("data-bs-theme", next);
      B.keep("theme", next);
      themeRadios();
    });
  });
  var themeRadios = function () {
    var chosen = null;
    try { chosen = localStorage.getItem("theme"); } catch (e) { /* storage may be off */ }
    B.all("[data-theme-choice]").forEach(function (r) { r.checked = r.value === (chosen || "system"); });
  };
  B.all("[data-theme-choice]").forEach(function (r) {
    r.addEventListener("change", function () {
      if (r.value === "system") { try { localStorage.removeItem("theme"); } catch (e) { /* storage may be off */ } }
      else B.keep("theme", r.value);
      var dark = r.value === "dark" || (r.value === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
      root.setAttribute("data-bs-theme", dark ? "dark" : "light");
    });
  });
  themeRadios();
  var letters = function () {
    var on = root.dataset.letters === "on";
    B.all("[data-letters-toggle]").forEach(function (b) { b.setAttribute("aria-pressed", on); if (b.type === "checkbox") b.checked = on; });
    B.all("[data-letters-state]").forEach(function (e) { e.textContent = on ? "on" : "off"; });
  };
  B.all("[data-letters-toggle]").forEach(function (b) {
    b.addEventListener("click", function () {
      root.dataset.letters = root.dataset.letters === "on" ? "off" : "on";
      B.keep("letters", root.dataset.letters);
      letters();
    });
  });
  letters();
  var rows = function () {
    B.all("[data-rows]").forEach(function (b) { if (b !== root) b.setAttribute("aria-pressed", b.dataset.rows === root.dataset.rows); });
  };
  B.all("button[data-rows]").forEach(function (b) {
    b.addEventListener("click", function () { root.dataset.rows = b.dataset.rows; B.keep("rows", b.dataset.rows); rows(); });
  });
  rows();

  /* ---- small things ---- */
  B.all("[data-show]").forEach(function (b) {
    b.addEventListener("click", function () {
      var field = document.getElementById(b.dataset.show), shown = field.type === "text";
      field.type = shown ? "password" : "text";
      b.setAttribute("aria-pressed", !shown);
      b.setAttribute("aria-label", shown ? "Show password" : "Hide password");
    });
  });
  B.all("[data-copy]").forEach(function (b) {
    b.addEventListener("click", function () {
      var field = document.getElementById(b.dataset.copy);
      field.select();
      if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(function () { B.say("Copied"); });
    });
  });
  B.all("[data-fill]").forEach(function (b) {
    b.addEventListener("click", function () {
      document.getElementById("username").value = b.dataset.fill;
      document.getElementById("password").value = b.dataset.fillPassword || "";
      document.getElementById("username").form.requestSubmit();
    });
  });
  B.all("[data-submit]").forEach(function (e) { e.addEventListener("change", function () { e.form.requestSubmit(); }); });
  var menu = document.getElementById("menu");
  B.all("[data-menu-open]").forEach(function (a) {
    a.addEventListener("click", function () { setTimeout(function () { var f = menu && menu.querySelector("a"); if (f) f.focus(); }, 0); });
  });
  B.closeMenu = function () {
    if (location.hash !== "#menu") return false;
    location.hash = "#main";
    return true;
  };
  /* paper is white whatever the screen is */
  var shown = null;
  addEventListener("beforeprint", function () {
    shown = root.getAttribute("data-bs-theme");
    if (shown === "dark") root.setAttribute("data-bs-theme", "light");
  });
  addEventListener("afterprint", function () { if (shown === "dark") root.setAttribute("data-bs-theme", "dark"); });
  /* opened to be printed, as by the counter */
  if (location.hash === "#print" && document.querySelector("[data-print]")) window.addEventListener("load", function () { window.print(); });
  var bar = document.querySelector(".bk-tabs [aria-current]");
  if (bar) { var strip = bar.closest(".bk-tabs"); strip.scrollLeft = Math.max(0, bar.offsetLeft - strip.offsetLeft - 24); }
})();
