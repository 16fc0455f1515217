/* The counter's two finders: who buys (F2), and what (/, or a scanner). What is typed ahead of the answer is not lost: Enter waits for it. */
(function () {
  var B = window.Backroom, T = B && B.counter;
  if (!T) return;
  var item = T.at("item"), itemBox = document.getElementById("pos-items");
  var whoInput = T.at("who-input"), whoBox = document.getElementById("pos-people"), form = T.at("new");

  /* A list under a field: arrows mark, Enter takes. `find(term)` answers rows, `enter(term, rows, row)` decides. */
  var finder = function (input, box, find, row, take, enter) {
    var F = { rows: [], on: -1, term: "", asked: 0 };
    F.mark = function (n) {
      F.on = n;
      B.all("[role=option]", box).forEach(function (e, i) {
        e.classList.toggle("is-on", i === n);
        e.setAttribute("aria-selected", i === n);
        if (i === n) { input.setAttribute("aria-activedescendant", e.id); e.scrollIntoView({ block: "nearest" }); }
      });
      if (n < 0) input.removeAttribute("aria-activedescendant");
    };
    F.draw = function (rows) {
      F.rows = rows;
      box.textContent = "";
      rows.forEach(function (r, n) {
        var e = row(r);
        e.id = box.id + "-" + n;
        e.setAttribute("role", "option");
        e.addEventListener("mousedown", function (ev) { ev.preventDefault(); });
        e.addEventListener("click", function () { take(r); });
        box.append(e);
      });
      box.hidden = !rows.length;
      input.setAttribute("aria-expanded", String(rows.length > 0));
      F.mark(rows.length ? 0 : -1);
    };
    F.close = function () { F.asked++; F.term = ""; F.draw([]); };
    F.look = function (term) {
      var mine = ++F.asked;
      return find(term).then(function (found) {
        if (mine === F.asked) { F.term = term; F.draw(found.rows); }
        return found;
      });
    };
    var soon = B.later(120, function () {
      var term = input.value.trim();
      if (term && term !== F.term) F.look(term);
    });
    input.addEventListener("input", function () {
      if (!input.value.trim()) { F.close(); if (F.emptied) F.emptied(); return; }
      soon();
    });
    input.addEventListener("keydown", function (ev) {
      var term = input.value.trim();
      if (ev.ctrlKey || ev.metaKey || ev.altKey) return;
      if ((ev.key === "ArrowDown" || ev.key === "ArrowUp") && F.rows.length) {
        ev.preventDefault();
        F.mark((F.on + (ev.key === "ArrowDown" ? 1 : -1) + F.rows.length) % F.rows.length);
      } else if (ev.key === "Enter") {
        ev.preventDefault();
        if (term && term === F.term && F.on >= 0) take(F.rows[F.on]);
        else if (term) enter(term);
        else if (F.rows.length && F.on >= 0) take(F.rows[F.on]);
      }
    });
    return F;
  };

  /* ---- items ---- */
  var itemRow = function (r) {
    var b = B.make("button", { "class": "pop-row", type: "button", tabindex: "-1" }), gone = r.left === 0;
    if (gone) b.setAttribute("aria-disabled", "true");
    b.append(B.icon(r.icon), B.make("span", { "class": "pop-word", dir: "auto" }, r.name));
    b.append(B.make("em", { dir: "auto" }, [r.sub, gone ? "none left" : r.left === null ? "" : r.left + " left", r.price || "own price"].filter(Boolean).join(" · ")));
    return b;
  };
  var findItems = function (term) {
    return T.ask("/find?term=" + encodeURIComponent(term)).then(function (a) {
      return a.ok ? { rows: a.body.results, exact: a.body.exact, said: a.body.said } : { rows: [], refusal: a.body };
    });
  };
  var back = function (term, sentence) {
    if (!item.value.trim()) { item.value = term; item.focus(); item.select(); }
    T.refused({ sentence: sentence }, false);
  };
  T.take = function (r, ahead) {
    if (r.left === 0) { back("", r.name + " is sold out: receive more first, or choose another."); return; }
    if (ahead !== true) { item.value = ""; Items.close(); } /* else the next one is being typed there already */
    if (r.kind === "tip" || r.kind === "fee") { T.ownPrice(r); return; }
    T.add(r);
    if (matchMedia("(min-width: 768px)").matches) item.focus({ preventScroll: true });
  };
  /* A scanner types fast and ends with Enter: the field is free again at once, codes are looked up one after the other. */
  var queue = Promise.resolve(), pending = 0;
  var after = function (ask, tell) {
    pending++;
    queue = queue.then(ask).then(tell).catch(function () { /* the next one is not held up */ }).then(function () { pending--; });
  };
  var Items = finder(item, itemBox, findItems, itemRow, T.take, function (term) {
    item.value = "";
    Items.asked++;
    after(function () { return findItems(term); }, function (f) {
      if (f.refusal) { back(term, f.refusal.sentence); if (f.refusal.link) T.refused(f.refusal); return; }
      if (f.exact) { T.take(f.exact, true); return; }
      if (!f.rows.length) { back(term, f.said); return; }
      if (f.rows.length === 1) { T.take(f.rows[0], true); return; }
      if (item.value.trim()) return;
      item.value = term;
      item.select();
      Items.term = term;
      Items.draw(f.rows);
    });
  });
  item.addEventListener("keydown", function (ev) {
    if (item.value || ev.ctrlKey || ev.metaKey || ev.altKey) {
      if (ev.key === "Escape") { ev.preventDefault(); ev.stopPropagation(); item.value = ""; Items.close(); }
      return;
    }
    if (ev.key === "/") { ev.preventDefault(); return; }  /* it leads here, and here it is already */
    if (pending && /^(\+|-|−|Delete)$/.test(ev.key)) { ev.preventDefault(); T.then(function () { T.lineKey(ev); }); return; }
    if (T.lineKey(ev)) ev.preventDefault();
  });
  /* What a key does to the sale waits for what is being looked up. */
  T.then = function (f) { queue = queue.then(f, f); };
  item.addEventListener("input", function () { if (item.value && (T.quote || !T.sale.lines.length)) T.refused(null); });
  item.addEventListener("blur", function () { if (!item.value.trim()) Items.close(); });
  T.lineKey = function (ev) {
    var n = T.sale.at;
    if (!T.sale.lines.length || T.sale.done) return false;
    if (ev.key === "ArrowDown") T.select(Math.min(n + 1, T.sale.lines.length - 1));
    else if (ev.key === "ArrowUp") T.select(Math.max(n - 1, 0));
    else if (n < 0) return false;
    else if (ev.key === "+") T.quantity(n, 1);
    else if (ev.key === "-" || ev.key === "−") T.quantity(n, -1);
    else if (ev.key === "Delete") T.remove(n);
    else return false;
    return true;
  };

  /* ---- who buys ---- */
  var dialled = function (term) { return !/[^\d\s+().\/-]/.test(term) && term.replace(/\D/g, "").length > 2; };
  var marked = function (phone, term) {
    var em = B.make("em"), digits = term.replace(/\D/g, ""), at = -1, end = -1, i, run = "", places = [];
    for (i = 0; i < phone.length; i++) if (/\d/.test(phone[i])) { run += phone[i]; places.push(i); }
    if (digits.length > 1 && dialled(term)) { at = run.indexOf(digits); if (at >= 0) { end = places[at + digits.length - 1]; at = places[at]; } }
    if (at < 0) em.append(phone); else em.append(phone.slice(0, at), B.make("mark", {}, phone.slice(at, end + 1)), phone.slice(end + 1));
    return em;
  };
  var whoRow = function (r) {
    var b = B.make("button", { "class": "pop-row", type: "button", tabindex: "-1" });
    if (r.make) { b.append(B.icon("user-plus"), B.make("span", { "class": "pop-word", dir: "auto" }, "New customer " + (dialled(r.make) ? "with phone " : "called ") + r.make), B.make("em", {}, "Enter")); return b; }
    if (r.nobody) { b.append(B.icon("walk"), B.make("span", { "class": "pop-word" }, "Walk-in without a name"), B.make("em", {}, "Esc")); return b; }
    b.append(B.make("span", { "class": "bk-ava sm" }, r.initials), B.make("span", { "class": "pop-word", dir: "auto" }, r.name));
    var em = marked(r.phone, Who.typed || "");
    if (r.last) em.append((r.phone ? " · " : "") + r.last);
    b.append(em);
    return b;
  };
  var findWho = function (term) {
    Who.typed = term;
    return T.ask("/customers?term=" + encodeURIComponent(term)).then(function (a) {
      if (!a.ok) T.refused(a.body);
      return { rows: (a.ok ? a.body.results : []).concat([{ make: term }, { nobody: true }]), found: a.ok ? a.body.results.length : 0, ok: a.ok };
    });
  };
  var settle = function () {
    T.at("find-who").hidden = true;
    T.at("who").hidden = false;
    whoInput.value = "";
    form.hidden = true;
    Who.close();
  };
  T.setWho = function (customer, unknown) {
    if (T.sale.done) T.sale = T.fresh(T.sale.next);
    T.sale.customer = customer;
    T.sale.unknown = unknown;
    if (T.sale.tender === "store_credit" && !(customer && customer.credit)) T.sale.tender = "cash";
    settle();
    T.changed();
    item.focus({ preventScroll: true });
    T.say(customer ? customer.name : unknown ? unknown.name || unknown.phone : "Without a name");
  };
  var askNew = function (term) {
    var phone = dialled(term);
    Who.close();
    form.hidden = false;
    form.elements.name.value = phone ? "" : term;
    form.elements.phone.value = phone ? term : "";
    (phone ? form.elements.name : form.elements.phone).focus();
  };
  var takeWho = function (r) {
    if (r.make) askNew(r.make);
    else T.setWho(r.nobody ? null : r, null);
  };
  var Who = finder(whoInput, whoBox, findWho, whoRow, takeWho, function (term) {
    item.focus({ preventScroll: true }); /* what is typed ahead is an item already */
    after(function () { return Who.look(term); }, function (f) {
      if (f.found === 1) { takeWho(f.rows[0]); return; }
      T.findWho();
      whoInput.value = term;
      if (f.ok && !f.found) askNew(term);
    });
  });
  Who.emptied = function () { form.hidden = true; };
  whoInput.addEventListener("input", function () { form.hidden = true; });
  T.findWho = function () {
    if (T.sale.done) { T.begin(); }
    T.at("who").hidden = true;
    T.at("find-who").hidden = false;
    whoInput.focus();
    whoInput.select();
  };
  T.at("find-who").addEventListener("keydown", function (ev) {
    if (ev.key !== "Escape") return;
    ev.preventDefault();
    ev.stopPropagation();
    if (!form.hidden) { form.hidden = true; whoInput.focus(); return; }
    T.setWho(null, null);
  });
  form.addEventListener("submit", function (ev) {
    ev.preventDefault();
    var name = form.elements.name.value.trim(), phone = form.elements.phone.value.trim();
    if (!name && !phone) { form.elements.name.focus(); return; }
    T.setWho(null, { name: name, phone: phone });
  });
  T.drawWho = function () {
    var card = T.at("who"), c = T.sale.customer, u = T.sale.unknown, grow = B.make("div", { "class": "grow" }), b = B.make("b"), line = B.make("div", { "class": "cp-line" });
    card.textContent = "";
    if (c) b.append(B.make("a", { href: c.url, dir: "auto" }, c.name));
    else b.append(B.make("span", { dir: "auto" }, u ? u.name || u.phone : "Walk-in without a name"));
    if (c) {
      [c.phone !== c.name ? c.phone : "", c.last ? "Last seen " + c.last : ""].filter(Boolean).forEach(function (t) { line.append(B.make("span", { dir: "auto" }, t)); });
      if (c.credit) line.append(B.make("span", {}, "Store credit " + T.shown(T.coins(c.credit))));
      if (c.mark) { var w = B.make("span", { "class": "pos-warn", title: c.mark }); w.append(B.icon("alert-triangle"), B.make("span", { dir: "auto" }, c.mark)); line.append(w); }
    } else line.append(B.make("span", { dir: "auto" }, u ? (u.name && u.phone ? u.phone + " · " : "") + "new: taken in with the sale, unless known by then" : "Can be given to a customer later"));
    grow.append(b, line);
    var ava = B.make("span", { "class": "bk-ava", "aria-hidden": "true" });
    if (c) ava.textContent = c.initials; else ava.append(B.icon(u ? "user-plus" : "walk"));
    var change = B.make("button", { "class": "btn", type: "button", "data-pos-change-who": "" }, c || u ? "Change " : "Customer ");
    change.append(B.make("kbd", {}, "F2"));
    card.append(ava, grow, change);
  };
  T.root.addEventListener("click", function (ev) { if (ev.target.closest("[data-pos-change-who]")) T.findWho(); });
  T.at("item").focus({ preventScroll: true });
})();
