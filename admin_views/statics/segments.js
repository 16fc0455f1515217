/* The rule of a segment: conditions in groups, drawn from one tree; counted while it is written. */
(function () {
  var B = window.Backroom, root = document.querySelector("[data-segment]");
  if (!root) return;
  var given = JSON.parse(root.dataset.segment), fields = given.fields, names = given.names || {}, tree = given.rule;
  var form = root.closest("form"), wrong = { place: given.place, sentence: given.sentence }, next = 0, focus = null;
  var MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
  var MATCHES = [["all", "All of these"], ["any", "At least one of these"], ["none", "None of these"]];
  var fresh = function (name) {
    var made = { field: name };
    fields[name].parts.forEach(function (p) {
      if (p.usual !== undefined) made[p.name] = JSON.parse(JSON.stringify(p.usual));
      else if (/^(ids|texts|words)$/.test(p.kind)) made[p.name] = [];
    });
    return made;
  };
  var id = function () { next += 1; return "sg-" + next; };
  var named = function (lookup, value) { return (names[lookup] && names[lookup][value]) || (lookup ? String(value) : value); };

  /* ---- what changes the tree ---- */
  var changed = function (redraw, on) {
    wrong = { place: null, sentence: "" };
    focus = on || null;
    if (redraw) draw();
    form.dispatchEvent(new CustomEvent("lines"));
    keep();
    soon();
  };
  var keep = function () {
    form.elements.definition.value = JSON.stringify(tree);
    form.elements.names.value = JSON.stringify(names);
  };
  var select = function (options, value, label, on) {
    var s = B.make("select", { "class": "form-select", "aria-label": label });
    options.forEach(function (o) {
      var e = B.make("option", { value: o[0] }, o[1]);
      e.selected = String(o[0]) === String(value);
      s.append(e);
    });
    if (!options.some(function (o) { return String(o[0]) === String(value); })) { var none = B.make("option", { value: "" }, "Choose"); none.selected = true; s.prepend(none); }
    s.addEventListener("change", function () { on(s.value, s); });
    return s;
  };
  var typed = function (value, label, css, on, type) {
    var e = B.make("input", { "class": "form-control " + css, type: type || "text", "aria-label": label, value: value === undefined || value === null ? "" : value, autocomplete: "off" });
    if (!type) e.setAttribute("inputmode", "decimal");
    e.addEventListener("input", function () { on(e.value.trim()); changed(false); });
    return e;
  };
  var button = function (css, icon, text, label, on) {
    var b = B.make("button", { type: "button", "class": css, "aria-label": label, title: text ? null : label });
    b.append(B.icon(icon));
    if (text) b.append(text);
    b.addEventListener("click", on);
    return b;
  };

  /* ---- the parts of a condition ---- */
  var many = function (part, term) {
    var box = B.make("span", { "class": "sg-part" }), values = term[part.name] = term[part.name] || [];
    if (!Array.isArray(values)) values = term[part.name] = [values];
    values.forEach(function (value, n) {
      var chip = B.make("span", { "class": "sg-chip" }), text = named(part.lookup, value);
      chip.append(B.make("span", { dir: "auto" }, text));
      chip.append(button("", "x", "", "Remove " + text, function () { values.splice(n, 1); again(true); }));
      box.append(chip);
    });
    /* Only this part is drawn anew: whoever is on the way to another control finds it there. */
    var again = function (stay) {
      var anew = many(part, term);
      box.replaceWith(anew);
      if (stay) anew.querySelector("[data-at]").focus();
      changed(false);
    };
    box.append(finder(part, values, again));
    return box;
  };
  var finder = function (part, values, again) {
    var free = part.kind === "texts", searched = !free || part.lookup === "tag" || part.lookup === "city", list = id();
    var pick = B.make("span", { "class": "pick" }), input = B.make("input", { "class": "form-control", type: "text", dir: "auto", autocomplete: "off", spellcheck: "false", maxlength: "100", "aria-label": part.title, placeholder: (values.length ? "or " : "") + part.title.toLowerCase() });
    var add = function (value, text, stay) {
      value = free ? String(value).trim() : Number(value);
      if (!value || values.indexOf(value) >= 0) { input.value = ""; return; }
      values.push(value);
      input.value = "";
      if (part.lookup && text) { names[part.lookup] = names[part.lookup] || {}; names[part.lookup][value] = text; }
      again(stay);
    };
    if (searched) {
      input.setAttribute("role", "combobox");
      input.setAttribute("aria-expanded", "false");
      input.setAttribute("aria-autocomplete", "list");
      input.setAttribute("aria-controls", list);
      pick.dataset.pick = given.find_url + part.lookup + given.find_query;
      if (free) pick.dataset.free = "";
      pick.append(B.make("input", { type: "hidden" }), input, B.make("ul", { "class": "pick-list", id: list, role: "listbox", "aria-label": part.title, hidden: "" }));
      pick.addEventListener("picked", function (ev) { ev.stopPropagation(); add(ev.detail.id, ev.detail.text, true); });
      B.pick(pick);
    } else pick.append(input);
    if (free) {
      input.takes = function () { add(input.value, "", false); };
      input.addEventListener("keydown", function (ev) {
        if ((ev.key !== "Enter" && ev.key !== ",") || !input.value.trim() || ev.defaultPrevented) return;
        ev.preventDefault();
        add(input.value, "", true);
      });
      input.addEventListener("blur", function () {
        setTimeout(function () { if (input.isConnected && input.value.trim()) add(input.value, "", false); }, 150);
      });
    }
    input.dataset.at = part.name;
    return pick;
  };
  var words = function (part, term) {
    var box = B.make("span", { "class": "sg-words", role: "group", "aria-label": part.title }), values = term[part.name] = term[part.name] || [];
    part.options.forEach(function (o) {
      var label = B.make("label"), c = B.make("input", { type: "checkbox", "class": "form-check-input" });
      c.checked = values.indexOf(o[0]) >= 0;
      c.addEventListener("change", function () {
        var at = values.indexOf(o[0]);
        if (c.checked && at < 0) values.push(o[0]); else if (!c.checked && at >= 0) values.splice(at, 1);
        changed(false);
      });
      label.append(c, o[1]);
      box.append(label);
    });
    return box;
  };
  var when = function (part, term) {
    var box = B.make("span", { "class": "sg-part" }), value = term[part.name] = term[part.name] || { is: part.options[0][0] };
    box.append(select(part.options, value.is, part.title, function (is) {
      var days = value.days || 30;
      term[part.name] = /^(last|not_since|next)$/.test(is) ? { is: is, days: days } : is === "month" ? { is: is, month: 1 } : { is: is };
      changed(true, { term: term, part: part.name });
    }));
    box.firstChild.dataset.at = part.name;
    if (/^(last|not_since|next)$/.test(value.is)) box.append(typed(value.days, "Days", "sg-num", function (v) { value.days = v; }), B.make("small", {}, "days"));
    if (value.is === "month") box.append(select(MONTHS.map(function (m, n) { return [n + 1, m]; }), value.month, "Month", function (v) { value.month = Number(v); changed(false); }));
    if (value.is === "between") box.append(typed(value.from, "From", "sg-date", function (v) { value.from = v; }, "date"), B.make("small", {}, "to"), typed(value.to, "To", "sg-date", function (v) { value.to = v; }, "date"));
    return box;
  };
  var drawn = {
    choice: function (part, term) { return select(part.options, term[part.name], part.title, function (v) { term[part.name] = v; changed(false); }); },
    whole: function (part, term) { return counted(part, term); },
    amount: function (part, term) { return counted(part, term); },
    words: words, ids: many, texts: many, when: when
  };
  var counted = function (part, term) {
    var box = B.make("span", { "class": "sg-part" });
    box.append(typed(term[part.name], part.title, "sg-num", function (v) { term[part.name] = v; }), B.make("small", {}, part.title.toLowerCase()));
    return box;
  };

  /* ---- conditions and groups ---- */
  var choose = function (term, of, n) {
    var s = B.make("select", { "class": "form-select sg-field", "aria-label": "What it is about" }), groups = {};
    Object.keys(fields).forEach(function (name) {
      var f = fields[name];
      if (!groups[f.group]) { groups[f.group] = B.make("optgroup", { label: f.group }); s.append(groups[f.group]); }
      var o = B.make("option", { value: name }, f.title);
      o.selected = name === term.field;
      groups[f.group].append(o);
    });
    if (!fields[term.field]) { var none = B.make("option", { value: "" }, "Choose"); none.selected = true; s.prepend(none); }
    s.addEventListener("change", function () { if (fields[s.value]) { of[n] = fresh(s.value); changed(true, { term: of[n] }); } });
    return s;
  };
  var complain = function (where, path) {
    if (!wrong.sentence || wrong.place === null || wrong.place === undefined) return false;
    if (wrong.place !== path && wrong.place.indexOf(path + ".") !== 0) return false;
    var e = B.make("p", { "class": "sg-error", id: id(), role: "alert" });
    e.append(B.icon("alert-circle"), B.make("span", { dir: "auto" }, wrong.sentence));
    where.append(e);
    return true;
  };
  var gone = function (of, n) {
    of.splice(n, 1);
    changed(true, of.length ? { term: of[Math.min(n, of.length - 1)] } : { add: of });
  };
  var row = function (term, of, n, path) {
    var li = B.make("li", { "class": "sg-row" }), parts = B.make("div", { "class": "sg-parts" });
    parts.append(choose(term, of, n));
    (fields[term.field] ? fields[term.field].parts : []).forEach(function (part) {
      var e = drawn[part.kind](part, term), own = e.matches("select") ? e : e.querySelector("[data-at], input:not([type=hidden]), select");
      if (own) own.dataset.at = part.name;
      parts.append(e);
    });
    li.append(parts, button("btn btn-quiet btn-icon", "x", "", "Remove this condition", function () { gone(of, n); }));
    if (complain(li, path)) li.classList.add("is-wrong");
    if (focus && focus.term === term) focus.box = li;
    return li;
  };
  var group = function (node, of, n, path, deep) {
    var box = B.make("div", { "class": "sg-group " + node.match, role: "group" }), head = B.make("div", { "class": "sg-head" });
    var how = select(MATCHES, node.match, "How these go together", function (v) { node.match = v; changed(true, { term: node }); });
    head.append(how);
    if (of) head.append(button("btn btn-quiet btn-icon", "x", "", "Remove this group", function () { gone(of, n); }));
    var list = B.make("ol", { "class": "sg-of" });
    node.of = Array.isArray(node.of) ? node.of : [];
    node.of.forEach(function (one, k) {
      var at = (path ? path + "." : "") + "of." + k;
      if (one && one.match !== undefined) { var li = B.make("li"); li.append(group(one, node.of, k, at, deep + 1)); list.append(li); }
      else list.append(row(one || {}, node.of, k, at));
    });
    var add = B.make("div", { "class": "sg-add" });
    var more = button("btn btn-sm", "plus", "Add a condition", null, function () { var made = fresh("visits"); node.of.push(made); changed(true, { term: made }); });
    add.append(more);
    if (deep < 5) add.append(button("btn btn-sm btn-quiet", "folder-plus", "Add a group", null, function () { var made = { match: "any", of: [fresh("visits")] }; node.of.push(made); changed(true, { term: made }); }));
    box.append(head, list, add);
    var mine = wrong.place === path || (path && wrong.place === path + ".match") || (!path && (wrong.place === "of" || wrong.place === "match"));
    if (mine && wrong.sentence) { wrong.place = path; complain(box, path); box.classList.add("is-wrong"); }
    if (focus && focus.term === node) focus.box = head;
    if (focus && focus.add === node.of) focus.box = add;
    return box;
  };
  var draw = function () {
    root.textContent = "";
    root.append(group(tree, null, 0, "", 1));
    if (!focus || !focus.box) return;
    var to = focus.part && focus.box.querySelector('[data-at="' + focus.part + '"]');
    to = to || focus.box.querySelector("select, input:not([type=hidden]), button");
    if (to) to.focus();
  };

  /* ---- how many that is ---- */
  var count = document.querySelector("[data-count]"), said = document.querySelector("[data-said]"), note = document.querySelector("[data-wrong]"), few = document.querySelector("[data-few]"), stop = null;
  var show = function (d) {
    count.classList.remove("is-old");
    note.hidden = !d.sentence;
    note.textContent = d.sentence || "";
    if (d.sentence) { count.textContent = "–"; said.textContent = ""; few.textContent = ""; return; }
    count.textContent = d.count === null ? "Many" : d.count + (d.one ? " customer" : " customers");
    if (d.count === null) { note.hidden = false; note.textContent = "Counting takes long here: save it, and it is counted in the background."; }
    said.textContent = d.said;
    few.textContent = "";
    (d.customers || []).forEach(function (c) {
      var li = B.make("li"), grow = B.make("div", { "class": "grow" }), b = B.make("b");
      b.append(B.make("a", { href: c.url, target: "_blank", rel: "noopener", dir: "auto" }, c.title));
      grow.append(b, B.make("small", {}, c.sub));
      li.append(grow);
      few.append(li);
    });
  };
  var look = function () {
    if (stop) stop.abort();
    stop = new AbortController();
    var body = new URLSearchParams({ definition: form.elements.definition.value });
    fetch(given.look_url, { method: "POST", body: body, headers: { Accept: "application/json" }, credentials: "same-origin", signal: stop.signal })
      .then(function (r) { return r.ok ? r.json() : null; })
      .then(function (d) { if (d) show(d); })
      .catch(function () { /* the next change asks again */ });
  };
  var later = B.later(400, look), soon = function () { count.classList.add("is-old"); later(); };
  form.addEventListener("submit", function () {
    B.all(".sg-parts .pick input[data-at]", root).forEach(function (input) { if (input.value.trim() && input.takes) input.takes(); });
    keep();
  }, true);
  /* Enter adds or goes on; only Ctrl Enter and the button save. */
  root.addEventListener("keydown", function (ev) {
    if (ev.key === "Enter" && !ev.ctrlKey && !ev.metaKey && ev.target.matches("input:not([type=checkbox])")) ev.preventDefault();
  });
  root.addEventListener("input", function (ev) { ev.stopPropagation(); });
  draw();
  keep();
  look();
  var bad = root.querySelector(".is-wrong");
  if (bad && !document.querySelector("[data-summary]")) { var first = bad.querySelector("select, input:not([type=hidden])"); if (first) first.focus(); }
})();
