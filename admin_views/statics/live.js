/* What asks the server while a page stands: look-ups, likely duplicates, progress. */
(function () {
  var B = window.Backroom;
  if (!B) return;
  var join = function (url, params) {
    var u = new URL(url, location.href);
    Object.keys(params).forEach(function (k) { u.searchParams.set(k, params[k]); });
    return u;
  };

  /* ---- values of a filter, searched ---- */
  B.all("[data-choices]").forEach(function (input) {
    var box = input.closest(".pop-body").querySelector(".pop-rows"), stop = null;
    var draw = function (data) {
      if (!data) return;
      var held = {};
      B.all("input:checked", box).forEach(function (i) { held[i.value] = i.closest(".pop-row"); });
      B.all(".pop-row, .pop-none", box).forEach(function (r) { if (!r.querySelector || !r.querySelector("input:checked")) r.remove(); });
      (data.choices || []).forEach(function (c) {
        if (held[String(c.value)]) return;
        var row = B.make("label", { "class": "pop-row" });
        row.append(B.make("input", { "class": "form-check-input", type: box.hasAttribute("data-one") ? "radio" : "checkbox", name: box.dataset.name, value: c.value }),
          B.make("span", { "class": "pop-word", dir: "auto" }, c.label), B.make("em", {}, c.count_text || ""));
        box.append(row);
      });
      if (!box.querySelector(".pop-row")) box.append(B.make("p", { "class": "pop-none bk-sub" }, "Nothing found: try fewer letters"));
    };
    input.addEventListener("input", B.later(180, function () {
      if (stop) stop.abort();
      stop = new AbortController();
      B.json(join(input.dataset.choices, { term: input.value.trim() }), stop.signal).then(draw);
    }));
    input.addEventListener("keydown", function (ev) { if (ev.key === "Enter") ev.preventDefault(); });
  });

  /* ---- the rows of a filter with their counts: asked for once, when the popover opens ---- */
  B.all("[data-lazy]").forEach(function (box) {
    var pop = box.closest("details"), input = box.closest(".pop-body").querySelector("[data-choices]");
    if (!pop) return;
    pop.addEventListener("toggle", function () {
      if (!pop.open || box.dataset.ready) return;
      box.dataset.ready = "1";
      B.json(new URL(box.dataset.lazy, location.href)).then(function (data) {
        if (!data || (input && input.value.trim())) return;
        var held = B.all("input:checked", box).map(function (i) { return i.value; });
        var own = B.all("input:checked", box).map(function (i) { return i.closest(".pop-row"); });
        var seen = {};
        box.textContent = "";
        (data.choices || []).forEach(function (c) {
          var row = B.make("label", { "class": "pop-row" + (c.depth ? " in-" + c.depth : "") });
          var tick = B.make("input", { "class": "form-check-input", type: box.hasAttribute("data-one") ? "radio" : "checkbox", name: box.dataset.name, value: c.value });
          tick.checked = c.selected || held.indexOf(String(c.value)) >= 0;
          row.append(tick, B.make("span", { "class": "pop-word", dir: "auto" }, c.label), B.make("em", {}, c.count_text || ""));
          seen[String(c.value)] = 1;
          box.append(row);
        });
        own.reverse().forEach(function (r) { if (!seen[r.querySelector("input").value]) box.prepend(r); });
        if (!box.firstChild) box.append(B.make("p", { "class": "pop-none bk-sub" }, "Nothing to choose yet"));
      });
    });
  });

  /* ---- the button of a popover tells the result ---- */
  B.all("form[data-count-url]").forEach(function (f) {
    var button = f.querySelector("button[type=submit]"), stop = null;
    var ask = B.later(160, function () {
      if (stop) stop.abort();
      stop = new AbortController();
      var u = new URL(f.dataset.countUrl, location.href);
      new FormData(f).forEach(function (v, k) { if (v) u.searchParams.append(k, v); });
      B.json(u, stop.signal).then(function (d) { if (d) button.textContent = "Show " + d.text; });
    });
    f.addEventListener("change", function (ev) { if (ev.target.name) ask(); });
    B.all("[data-clear]", f).forEach(function (b) { b.addEventListener("click", ask); });
  });

  /* ---- the counts of saved views, once the page stands ---- */
  B.all("[data-view-counts]").forEach(function (nav) {
    B.json(new URL(nav.dataset.viewCounts, location.href)).then(function (d) {
      if (!d) return;
      B.all("a", nav).forEach(function (a, n) {
        var text = (d.counts || [])[n];
        if (!text || a.querySelector(".bk-count")) return;
        a.append(" ", B.make("span", { "class": "bk-count" }, text));
      });
    });
  });

  /* ---- the vendor one works in, searched: every found one is a button of the same POST form ---- */
  B.all("[data-vendors]").forEach(function (input) {
    var box = input.closest(".pop-body").querySelector(".pop-rows"), stop = null, own = box.innerHTML;
    var draw = function (data) {
      if (!data) return;
      box.textContent = "";
      (data.choices || []).forEach(function (c) {
        var row = B.make("button", { "class": "pop-row", type: "submit", name: input.dataset.vendorField, value: c.value });
        row.append(B.make("span", { "class": "pop-word", dir: "auto" }, c.label));
        if (c.hint) row.append(B.make("em", {}, c.hint));
        box.append(row);
      });
      if (!box.firstChild) box.append(B.make("p", { "class": "pop-none bk-sub" }, "No vendor found: try fewer letters"));
    };
    input.addEventListener("input", B.later(160, function () {
      var term = input.value.trim();
      if (stop) stop.abort();
      if (!term) { box.innerHTML = own; return; }
      stop = new AbortController();
      B.json(join(input.dataset.vendors, { term: term }), stop.signal).then(draw);
    }));
    input.addEventListener("keydown", function (ev) {
      if (ev.key !== "Enter") return;
      ev.preventDefault();
      var only = box.querySelectorAll("button");
      if (input.value.trim() && only.length === 1) only[0].click();
    });
  });

  /* ---- one related record, searched: a combobox ---- */
  B.pick = function (box) {
    if (box.dataset.ready) return;
    box.dataset.ready = "1";
    var input = box.querySelector("[role=combobox]"), hidden = box.querySelector("input[type=hidden]"), list = box.querySelector("[role=listbox]");
    var found = [], on = -1, stop = null, settled = input.value;
    var close = function () { list.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); on = -1; };
    var mark = function (i) {
      on = i;
      Array.prototype.forEach.call(list.children, function (li, n) { li.setAttribute("aria-selected", n === i); });
      if (i >= 0 && list.children[i]) { input.setAttribute("aria-activedescendant", list.children[i].id); list.children[i].scrollIntoView({ block: "nearest" }); }
    };
    var take = function (item) {
      hidden.value = item.id;
      input.value = settled = item.text;
      close();
      box.dispatchEvent(new CustomEvent("picked", { bubbles: true, detail: item }));
    };
    var draw = function (data) {
      found = (data && (data.results || data.choices)) || [];
      list.textContent = "";
      found.forEach(function (item, n) {
        var li = B.make("li", { id: list.id + "-" + n, role: "option", "aria-selected": "false" });
        li.append(B.make("span", { dir: "auto" }, item.text));
        if (item.hint) li.append(B.make("small", { dir: "auto" }, item.hint));
        li.addEventListener("mousedown", function (ev) { ev.preventDefault(); take(item); });
        list.append(li);
      });
      if (!found.length) list.append(B.make("li", { "class": "none", role: "option", "aria-disabled": "true" }, "Nothing found: try fewer letters"));
      list.hidden = document.activeElement !== input;
      input.setAttribute("aria-expanded", String(!list.hidden));
      mark(found.length ? 0 : -1);
    };
    input.addEventListener("input", B.later(160, function () {
      if (input.value === settled) return;
      if (!input.value.trim()) { hidden.value = ""; settled = ""; close(); return; }
      if (stop) stop.abort();
      stop = new AbortController();
      var asked = { term: input.value.trim() }, of = box.dataset.pickOf && box.closest("form").elements[box.dataset.pickOf];
      if (of && of.value) asked.of = of.value;
      B.json(join(box.dataset.pick, asked), stop.signal).then(draw);
    }));
    input.addEventListener("keydown", function (ev) {
      if (list.hidden) return;
      if (ev.key === "ArrowDown") { ev.preventDefault(); mark(Math.min(found.length - 1, on + 1)); }
      else if (ev.key === "ArrowUp") { ev.preventDefault(); mark(Math.max(0, on - 1)); }
      else if (ev.key === "Enter" && on >= 0 && !ev.ctrlKey) { ev.preventDefault(); take(found[on]); }
      else if (ev.key === "Escape") { ev.preventDefault(); ev.stopPropagation(); close(); }
    });
    input.addEventListener("blur", function () {
      if (list.hidden === false && found.length === 1 && input.value !== settled) take(found[0]);
      close();
      if (input.value !== settled) {
        hidden.value = "";
        if (!box.hasAttribute("data-free")) { input.value = ""; }
        settled = input.value;
      }
    });
  };
  B.all("[data-pick]").forEach(B.pick);

  /* ---- likely duplicates while somebody new is typed in ---- */
  B.all("form[data-duplicates]").forEach(function (f) {
    var panel = document.getElementById("duplicates"), stop = null;
    var fields = ["full_name", "first_name", "last_name", "company", "email", "phone"];
    var draw = function (data) {
      var people = (data && data.results) || [];
      panel.hidden = !people.length;
      var ul = panel.querySelector("ul");
      ul.textContent = "";
      people.forEach(function (c) {
        var li = B.make("li"), grow = B.make("div", { "class": "grow" }), b = B.make("b");
        b.append(B.make("a", { href: c.url, dir: "auto", "data-discard": "" }, c.title));
        grow.append(b, B.make("small", { dir: "auto" }, [c.sub, c.why].filter(Boolean).join(" · ")));
        li.append(grow);
        if (c.sure) { var p = B.make("span", { "class": "pill warn" }); p.append(B.icon("users"), "Same person?"); li.append(p); }
        ul.append(li);
      });
    };
    f.addEventListener("input", B.later(250, function () {
      var asked = {};
      fields.concat(["vendor_id"]).forEach(function (n) { var e = f.elements[n]; if (e && e.value && e.value.trim()) asked[n] = e.value.trim(); });
      if (!fields.some(function (n) { return (asked[n] || "").length > 1; })) { draw(null); return; }
      if (stop) stop.abort();
      stop = new AbortController();
      B.json(join(f.dataset.duplicates, asked), stop.signal).then(draw);
    }));
  });

  /* ---- progress: {done, total, text, left, counts: {name: text}, state, url, finished} ---- */
  var poll = function (e) {
    var wait = 250, first = null; /* what is short is done before a second is over */
    /* How long it will take at the pace since this page stands; rough on purpose, it is read aloud. */
    var left = function (d) {
      if (!d.total || !d.done || d.finished) return "";
      if (!first || first.total !== d.total || d.done < first.done) first = { at: Date.now(), done: d.done, total: d.total };
      if (d.done === first.done) return "";
      var s = (d.total - d.done) * (Date.now() - first.at) / 1000 / (d.done - first.done);
      if (s > 90) return "about " + Math.round(s / 60) + " minutes left";
      return s > 10 ? "about " + Math.ceil(s / 10) * 10 + " seconds left" : "a few seconds left";
    };
    var step = function () {
      if (document.hidden) { setTimeout(step, wait); return; }
      B.json(e.dataset.poll).then(function (d) {
        if (!d) { wait = Math.min(15000, wait * 2); setTimeout(step, wait); return; }
        wait = Math.min(1000, wait * 2);
        var bar = e.querySelector("progress");
        if (bar && d.total) { bar.max = d.total; bar.value = d.done; bar.setAttribute("aria-label", d.text || ""); }
        var say = function (name, text) { B.all("[data-poll-" + name + "]", e).forEach(function (x) { if (text !== undefined && text !== null && x.textContent !== String(text)) x.textContent = text; }); };
        say("done", d.done_text); say("total", d.total_text); say("title", d.text); say("left", d.left || left(d));
        Object.keys(d.counts || {}).forEach(function (k) { B.all("[data-count=" + CSS.escape(k) + "]", e).forEach(function (x) { x.textContent = d.counts[k]; }); });
        if (!d.finished) { setTimeout(step, wait); return; }
        if (e.hasAttribute("data-poll-go")) location.replace(d.url || location.href);
        else { if (d.message) B.say(d.message, d.tone); e.remove(); }
      });
    };
    setTimeout(step, wait);
  };
  B.all("[data-poll]").forEach(poll);

  /* ---- what takes a while to find out comes once the page stands: {html} ---- */
  B.all("[data-later]").forEach(function (e) {
    B.json(e.dataset.later).then(function (d) {
      if (d && d.html) { e.innerHTML = d.html; e.hidden = false; }
    });
  });
})();
