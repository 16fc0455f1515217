/* The counter's payments, the one button that takes them, and what becomes of a sale: sold, parked, given up. */
(function () {
  var B = window.Backroom, T = B && B.counter;
  if (!T) return;
  var C = T.config, amount = T.at("amount"), ref = T.at("ref"), take = T.at("take");
  var TENDERS = [
    { is: "cash", word: "Cash", icon: "cash", given: "Cash given", by: "in cash" },
    { is: "card", word: "Card", icon: "credit-card", given: "By card", by: "by card" },
    { is: "mobile_money", word: "Mobile", icon: "device-mobile", given: "Mobile money", by: "with mobile money" },
    { is: "bank_transfer", word: "Bank", icon: "building-bank", given: "Bank transfer", by: "by bank transfer" },
    { is: "store_credit", word: "Credit", icon: "wallet", given: "Store credit", by: "of store credit" }
  ];
  var tender = function (name) { return TENDERS.filter(function (t) { return t.is === name; })[0]; };
  var sum = function (list) { return list.reduce(function (all, one) { return all + (T.coins(one.amount) || 0); }, 0); };
  var credit = function () { var c = T.sale.customer; return c && c.credit ? T.coins(c.credit) : 0; };
  var usable = function () {
    return TENDERS.filter(function (t) { return t.is !== "store_credit" || credit() > sum(T.sale.paid.filter(function (p) { return p.tender === "store_credit"; })); });
  };

  /* What is typed now, and what it comes to. Nothing typed: all that is left, or all of the credit that is left. */
  T.reckon = function () {
    var s = T.sale, total = T.quote ? T.coins(T.quote.total) : null, typed = s.amount.trim();
    if (total === null) return null;
    var left = total - sum(s.paid), given = typed ? T.coins(typed) : left;
    if (!typed && s.tender === "store_credit") given = Math.min(left, credit() - sum(s.paid.filter(function (p) { return p.tender === "store_credit"; })));
    var taken = given === null ? null : Math.min(given, Math.max(left, 0));
    return { total: total, left: left, given: given, taken: taken, change: given !== null && s.tender === "cash" && given > left ? given - left : 0, rest: taken === null ? left : left - taken };
  };
  var NOTES = [5, 10, 20, 50, 100, 200, 500].map(function (n) { return C.decimals ? n * Math.pow(10, C.decimals) : n * 100; });
  var quick = function (left) {
    var found = [left];
    NOTES.forEach(function (n) { var up = Math.ceil(left / n) * n; if (up > left && found.indexOf(up) < 0) found.push(up); });
    return [left].concat(found.slice(1).sort(function (a, b) { return a - b; }).slice(0, 3));
  };
  var paySaid = function (sentence, link, field) {
    var p = T.at("pay-said");
    p.hidden = !sentence;
    p.textContent = sentence || "";
    if (link) p.append(" ", B.make("a", { href: link.url }, link.title));
    [amount, ref].forEach(function (e) { e.classList.toggle("is-invalid", !!sentence && e === (field || amount)); });
  };

  T.drawPay = function () {
    var s = T.sale, r = T.reckon(), t = tender(s.tender), ul = T.at("paid"), box = T.at("tenders"), notes = T.at("quick");
    ul.textContent = "";
    s.paid.forEach(function (p, n) {
      var li = B.make("li"), x = B.make("button", { "class": "btn btn-quiet btn-sm btn-icon", type: "button", "data-pos-unpay": n, "aria-label": "Remove payment, " + tender(p.tender).word + " " + p.amount, title: "Remove" });
      x.append(B.icon("x"));
      li.append(B.icon(tender(p.tender).icon), B.make("span", { dir: "auto" }, tender(p.tender).given + (p.reference ? " · " + p.reference : "")), B.make("b", {}, T.shown(T.coins(p.amount))), x);
      ul.append(li);
    });
    var settled = !!r && r.left <= 0;
    box.textContent = "";
    usable().forEach(function (one) {
      var b = B.make("button", { type: "button", "data-pos-tender": one.is, "aria-pressed": String(one.is === s.tender), title: one.given, "aria-label": one.given });
      b.append(B.icon(one.icon), one.word);
      box.append(b);
    });
    T.at("given").textContent = t.given;
    T.at("ref-row").hidden = s.tender === "cash" || s.tender === "store_credit" || settled;
    ref.placeholder = s.tender === "mobile_money" ? "code of the network" : "optional";
    amount.closest(".pos-given").hidden = settled;
    box.hidden = settled;
    if (document.activeElement !== amount || amount.value.trim() !== s.amount) amount.value = s.amount;
    if (document.activeElement !== ref) ref.value = s.reference;
    amount.placeholder = r && r.given !== null ? T.plain(Math.max(s.amount ? r.left : r.given, 0)) : "";
    notes.textContent = "";
    notes.hidden = !r || s.tender !== "cash" || settled;
    if (r && !notes.hidden) quick(r.left).forEach(function (n) { notes.append(B.make("button", { "class": "btn", type: "button", "data-pos-note": T.plain(n) }, n === r.left || n % unitOf() ? T.shown(n) : T.shown(n).split(C.point)[0])); });
    T.at("left").textContent = r ? T.shown(r.left) : "–";
    T.at("change").textContent = r ? T.shown(r.change) : "–";
    take.textContent = label(r, t);
    take.append(" ", B.make("kbd", {}, "F9"));
    take.disabled = T.busy || !r;
    take.setAttribute("aria-busy", String(T.busy));
    var owe = T.at("owe");
    owe.hidden = !(s.customer || s.unknown) || !r || r.left <= 0 || !!s.amount.trim();
    if (r) owe.textContent = "Leave " + T.shown(r.left) + " due";
    var way = T.at("receipt");
    if (way) { way.textContent = ""; way.append(B.icon(s.mail === null ? "receipt" : "mail"), s.mail === null ? "Receipt: paper" : "Receipt: e-mail"); }
    drawDone();
    showBooked();
  };
  var unitOf = function () { return Math.pow(10, C.decimals); };
  var label = function (r, t) {
    if (T.busy) return "Selling";
    if (!r) return "Take payment";
    if (r.left <= 0) return "Finish the sale";
    if (r.taken === null) return "Take payment";
    return "Take " + T.shown(r.taken) + " " + t.by;
  };
  var drawDone = function () {
    var d = T.sale.done, box = T.at("done");
    T.at("title").textContent = d ? d.title : "New sale";
    if (!d) { box.textContent = ""; return; }
    if (box.dataset.of === String(d.id) && box.firstChild) return;
    box.dataset.of = d.id;
    box.textContent = "";
    var h = B.make("p", { "class": "pos-ok" });
    h.append(B.icon(d.cancelled ? "circle-x" : "circle-check"), d.title + (d.cancelled ? " was cancelled" : " is done"));
    var dl = B.make("dl", { "class": "sum big" });
    dl.append(B.make("dt", {}, "Total"), B.make("dd", {}, d.total));
    if (d.due) dl.append(B.make("dt", {}, "Stays due"), B.make("dd", {}, d.due));
    box.append(h, dl);
    if (d.change) { var c = B.make("div", { "class": "tot" }); c.append(B.make("span", {}, "Change to give"), B.make("b", {}, d.change)); box.append(c); }
    var acts = B.make("div", { "class": "pos-acts" }), next = B.make("button", { "class": "btn btn-primary btn-lg", type: "button", "data-pos-next": "" }, "New sale");
    acts.append(next);
    if (d.receipt) { var p = B.make("a", { "class": "btn", href: d.receipt, target: "_blank", rel: "noopener", "data-pos-print": "" }); p.append(B.icon("printer"), "Print receipt"); acts.append(p); }
    acts.append(B.make("a", { "class": "btn btn-quiet", href: d.url }, "Open " + d.title.toLowerCase()));
    box.append(acts);
    next.focus({ preventScroll: true });
    box.scrollIntoView({ block: "nearest" });
  };

  /* ---- one button: what is typed is taken; what pays it all ends the sale ---- */
  T.begin = function () { T.sale = T.fresh(T.sale.next || T.sale.key); T.quote = null; T.refused(null); paySaid(""); T.save(); T.draw(); };
  var finish = function (owing) {
    if (T.busy) return;
    var s = T.sale, paid = s.paid.slice(), r = T.reckon();
    if (r && r.left > 0 && !owing) paid.push({ tender: s.tender, amount: T.plain(r.given), reference: s.reference || null });
    T.busy = true;
    paySaid("");
    T.save();
    T.drawPay();
    T.post("/sell", Object.assign(T.sent(), { paid: paid, owing: !!owing, mail: s.mail })).then(function (a) {
      T.busy = false;
      if (!a.ok) {
        var field = a.body.field || "";
        if (/^(paid|tender|reference|amount)/.test(field)) { paySaid(a.body.sentence); amount.focus(); } else { T.refused(a.body, true); if (a.out) paySaid(a.body.sentence, a.body.link); }
        T.draw();
        T.held = true; /* what was refused stays said while it is asked what is left */
        T.requote();
        return;
      }
      T.sale.done = a.body.sale;
      T.sale.next = a.body.key;
      try { sessionStorage.removeItem("counter:" + C.vendor); } catch (e) { /* storage may be off */ }
      T.say(a.body.sale.title + " is done." + (a.body.sale.change ? " Change to give: " + a.body.sale.change : ""));
      T.draw();
      countBooked();
    });
  };
  var press = function () {
    if (T.busy || T.sale.done) return;
    if (T.waiting) { setTimeout(press, 60); return; }
    var s = T.sale, r = T.reckon();
    if (!r) return;
    if (r.left <= 0) { finish(false); return; }
    if (r.given === null || r.given <= 0) { paySaid("This is no amount: write it like 12.50."); amount.focus(); amount.select(); return; }
    if (r.given > r.left && s.tender !== "cash") { paySaid("Only " + T.shown(r.left) + " is left to pay: take that, for only cash has change."); amount.focus(); amount.select(); return; }
    if (s.tender === "mobile_money" && !s.reference) { paySaid("Write the code that the mobile network gave for this payment.", null, ref); ref.focus(); return; }
    if (r.given >= r.left) { finish(false); return; }
    s.paid.push({ tender: s.tender, amount: T.plain(r.given), reference: s.reference || null });
    s.amount = s.reference = amount.value = ref.value = "";
    s.tender = s.tender === "cash" ? "card" : "cash";
    paySaid("");
    T.save();
    T.drawPay();
    amount.focus();
    T.say(T.shown(T.reckon().left) + " is still to pay.");
  };
  take.addEventListener("click", press);
  [amount, ref].forEach(function (field) {
    field.addEventListener("input", function () { T.sale.amount = amount.value.trim(); T.sale.reference = ref.value.trim(); paySaid(""); T.save(); T.drawPay(); });
    field.addEventListener("keydown", function (ev) {
      if (ev.key === "Enter" && !ev.ctrlKey) { ev.preventDefault(); press(); }
      if (field === amount && (ev.key === "ArrowDown" || ev.key === "ArrowUp")) {
        ev.preventDefault();
        var all = usable(), at = all.indexOf(tender(T.sale.tender)) + (ev.key === "ArrowDown" ? 1 : -1);
        choose(all[(at + all.length) % all.length].is);
      }
    });
  });
  var choose = function (name) { T.sale.tender = name; paySaid(""); T.save(); T.drawPay(); T.say(tender(name).given); };
  T.root.addEventListener("click", function (ev) {
    var b = ev.target.closest("[data-pos-tender], [data-pos-note], [data-pos-unpay], [data-pos-next]");
    if (!b) return;
    if (b.dataset.posTender) { choose(b.dataset.posTender); amount.focus(); }
    else if (b.dataset.posNote) { T.sale.amount = amount.value = b.dataset.posNote; T.save(); T.drawPay(); take.focus(); }
    else if (b.dataset.posUnpay) { T.sale.paid.splice(Number(b.dataset.posUnpay), 1); paySaid(""); T.save(); T.drawPay(); amount.focus(); }
    else { T.begin(); T.at("item").focus({ preventScroll: true }); }
  });
  T.root.addEventListener("keydown", function (ev) {
    if (ev.target.closest("[data-pos-done]") && ev.key === "Escape") { ev.preventDefault(); T.begin(); T.at("item").focus(); }
  });

  /* ---- dialogs ---- */
  var dialog = function (id, fill, done) {
    var d = document.getElementById(id), f = d.querySelector("form");
    f.addEventListener("keydown", function (ev) {
      if (ev.key === "Enter" && ev.target.tagName === "SELECT") { ev.preventDefault(); f.requestSubmit(); }
    });
    f.addEventListener("submit", function (ev) {
      ev.preventDefault();
      var wrong = done(f);
      var note = d.querySelector("[data-pos-error]");
      if (note) { note.hidden = !wrong; note.querySelector("span").textContent = wrong || ""; }
      if (wrong) { f.querySelector("input").focus(); return; }
      d.close();
    });
    return function (from) {
      var note = d.querySelector("[data-pos-error]");
      if (note) note.hidden = true;
      if (fill(f) === false) return;
      B.open(id, from || T.at("item"));
      var first = f.querySelector("input:not([type=hidden]), select");
      if (first) first.focus();
    };
  };
  var off = dialog("pos-off", function (f) {
    var s = T.sale, l = s.lines[s.at];
    if (!s.lines.length || s.done) return false;
    f.elements.of.options[0].disabled = !l;
    f.elements.of.options[0].textContent = l ? "This line: " + l.name : "This line";
    f.elements.of.value = l ? "line" : "sale";
    f.elements.amount.value = l ? l.discount : s.off.amount;
    f.elements.why.value = l ? l.why : s.off.why;
  }, function (f) {
    var text = f.elements.amount.value.trim(), why = f.elements.why.value.trim(), plain = text.replace(/\s*%$/, "");
    if (text && T.coins(plain) === null) return "This is no amount: write it like 12.50, or like 10 %.";
    if (text && T.coins(plain) && !why) return "A discount needs its reason: write why it is cheaper.";
    var s = T.sale, l = s.lines[s.at];
    if (f.elements.of.value === "line" && l) { l.discount = text; l.why = why; } else s.off = { amount: text, why: why };
    T.changed();
    return "";
  });
  document.getElementById("pos-off").querySelector("select").addEventListener("change", function (ev) {
    var s = T.sale, l = s.lines[s.at], f = ev.target.form, line = ev.target.value === "line" && l;
    if (f.elements.amount.value.trim() || f.elements.why.value.trim()) return;
    f.elements.amount.value = line ? l.discount : s.off.amount;
    f.elements.why.value = line ? l.why : s.off.why;
  });
  var staff = dialog("pos-staff", function (f) {
    var s = T.sale, l = s.lines[s.at] && s.lines[s.at].kind === "service" ? s.lines[s.at] : s.lines.filter(function (x) { return x.kind === "service"; }).pop();
    if (s.done || !l) { if (s.lines.length && !s.done) B.say("Only a service is done by somebody: add one first.", "danger"); return false; }
    T.select(s.lines.indexOf(l));
    T.at("staff-what").textContent = l.name;
    var box = f.elements.staff;
    box.textContent = "";
    box.append(B.make("option", { value: "" }, "Nobody named"));
    C.staff.forEach(function (one) { box.append(B.make("option", { value: one.id, dir: "auto" }, one.name)); });
    box.value = l.staff || "";
  }, function (f) {
    var l = T.sale.lines[T.sale.at], id = Number(f.elements.staff.value) || null;
    l.staff = id;
    l.staff_name = id ? C.staff.filter(function (one) { return one.id === id; })[0].name : "";
    T.changed();
    return "";
  });
  var ownItem = null, own = dialog("pos-own", function (f) {
    document.getElementById("pos-own-t").textContent = ownItem.name;
    f.elements.amount.value = "";
  }, function (f) {
    var coins = T.coins(f.elements.amount.value.trim());
    if (!coins) return "This is no amount: write it like 12.50.";
    T.add(ownItem, { amount: T.plain(coins), price: T.shown(coins) });
    return "";
  });
  T.ownPrice = function (item) { ownItem = item; own(); };
  var way = T.at("receipt") && dialog("pos-receipt", function (f) {
    f.elements.way.value = T.sale.mail === null ? "paper" : "mail";
    f.elements.to.value = T.sale.mail || "";
    shownMail(f);
  }, function (f) {
    var to = f.elements.to.value.trim(), c = T.sale.customer, mail = f.elements.way.value === "mail";
    if (mail && !to && !(c && c.email)) return "Nobody’s address is known here: write where it goes.";
    if (mail && to && !/^\S+@\S+$/.test(to)) return "This is no e-mail address: check it for a missing @ or ending.";
    T.sale.mail = mail ? to : null;
    T.save();
    T.drawPay();
    return "";
  });
  var shownMail = function (f) {
    var c = T.sale.customer;
    T.at("mail").hidden = f.elements.way.value !== "mail";
    T.at("mail").querySelector(".form-hint").hidden = !(c && c.email);
    f.elements.to.placeholder = c && c.email ? c.email : "";
  };
  if (way) {
    T.at("receipt").addEventListener("click", function (ev) { way(ev.currentTarget); });
    document.getElementById("pos-receipt-way").addEventListener("change", function (ev) { shownMail(ev.target.form); });
  }
  var owing = dialog("pos-owing", function () {
    var r = T.reckon(), who = T.sale.customer ? T.sale.customer.name : T.sale.unknown.name || T.sale.unknown.phone;
    if (!r) return false;
    T.at("owing-t").textContent = "Does " + who + " owe " + T.shown(r.left) + "?";
    T.at("owing-do").textContent = "Leave " + T.shown(r.left) + " due";
  }, function () { finish(true); return ""; });
  T.at("owe").addEventListener("click", function (ev) { owing(ev.currentTarget); });
  T.at("off").addEventListener("click", function (ev) { off(ev.currentTarget); });

  /* ---- today's bookings, and what is parked ---- */
  var list = function (id, rows, draw, take) {
    var d = document.getElementById(id), box = d.querySelector("[data-pos-list]");
    box.textContent = "";
    d.querySelector("[data-pos-error]").hidden = true;
    rows.forEach(function (r) {
      var b = draw(r);
      b.addEventListener("click", function () { take(r, d); });
      box.append(b);
    });
    if (!rows.length) box.append(B.make("p", { "class": "bk-sub" }, box.dataset.posList));
    B.open(id, T.at("item"));
    var first = box.querySelector("button");
    if (first) first.focus();
  };
  B.all(".pos-list").forEach(function (box) {
    box.addEventListener("keydown", function (ev) {
      if (ev.key !== "ArrowDown" && ev.key !== "ArrowUp") return;
      var all = B.all("button", box), at = all.indexOf(document.activeElement);
      if (at < 0) return;
      ev.preventDefault();
      all[(at + (ev.key === "ArrowDown" ? 1 : -1) + all.length) % all.length].focus();
    });
  });
  var row = function (icon, title, sub, right) {
    var b = B.make("button", { "class": "pop-row pos-row", type: "button" }), words = B.make("span", { "class": "pop-word", dir: "auto" }, title);
    words.append(B.make("small", { dir: "auto" }, sub));
    b.append(B.icon(icon), words, B.make("em", {}, right));
    return b;
  };
  var unsold = function (all) {
    var here = T.sale.done ? [] : T.sale.lines.map(function (l) { return l.booking; });
    return all.filter(function (b) { return here.indexOf(b.booking) < 0; });
  };
  var booked = [], showBooked = function () { T.at("booked").textContent = unsold(booked).length || ""; };
  var countBooked = function () {
    T.ask("/bookings").then(function (a) { if (a.ok) { booked = a.body.results; showBooked(); } });
  };
  T.at("bookings").addEventListener("click", function () {
    T.ask("/bookings").then(function (a) {
      if (!a.ok) { T.refused(a.body, true); return; }
      var who = T.sale.customer, mine = unsold(a.body.results);
      if (who && T.sale.lines.some(function (l) { return l.booking; })) mine = mine.filter(function (b) { return b.customer.id === who.id; });
      mine.sort(function (x, y) { return (who && y.customer.id === who.id) - (who && x.customer.id === who.id); });
      list("pos-booked", mine, function (b) { return row("calendar-check", b.time + " " + b.customer.name, [b.name, b.staff_name, b.status.toLowerCase()].filter(Boolean).join(" · "), b.price); }, function (b, d) {
        d.close();
        if (T.sale.done) T.begin();
        if (!T.sale.customer || T.sale.customer.id !== b.customer.id) { T.sale.customer = b.customer; T.sale.unknown = null; }
        T.add(b);
        T.at("item").focus({ preventScroll: true });
      });
    });
  });
  var waiting = T.at("parked"), told = function (rows) {
    waiting.hidden = !rows.length;
    waiting.textContent = rows.length + " parked";
  };
  var parked = function () {
    T.ask("/parked").then(function (a) {
      if (!a.ok) { T.refused(a.body, true); return; }
      told(a.body.results);
      list("pos-waiting", a.body.results, function (o) { return row("clock-pause", o.who, o.what, o.total); }, function (o, d) {
        if (T.sale.lines.length && !T.sale.done) { refuse(d, "A sale is open here: park it first, or finish it."); return; }
        T.post("/take-up", { order: o.id }).then(function (b) {
          if (!b.ok) { refuse(d, b.body.sentence); T.ask("/parked").then(function (again) { if (again.ok) told(again.body.results); }); return; }
          T.sale = Object.assign(T.fresh(b.body.key), { customer: b.body.customer, lines: b.body.lines, off: { amount: b.body.discount, why: b.body.discount_why }, codes: b.body.codes || [], rewards: b.body.rewards || [], rewards_of: b.body.customer ? b.body.customer.id : null, at: b.body.lines.length - 1 });
          d.close();
          T.ask("/parked").then(function (again) { if (again.ok) told(again.body.results); });
          T.changed();
          T.at("item").focus({ preventScroll: true });
        });
      });
    });
  };
  var refuse = function (d, sentence) { var note = d.querySelector("[data-pos-error]"); note.hidden = false; note.querySelector("span").textContent = sentence; };
  waiting.addEventListener("click", parked);
  var park = function () {
    if (T.sale.done || !T.sale.lines.length) { parked(); return; }
    if (T.busy) return;
    if (T.sale.paid.length) { paySaid("Something was paid already: finish the sale, or remove that payment."); return; }
    T.busy = true;
    T.post("/park", T.sent()).then(function (a) {
      T.busy = false;
      if (!a.ok) { T.refused(a.body, true); T.draw(); return; }
      T.sale.next = a.body.key;
      T.begin();
      told(a.body.results);
      B.say(a.body.message);
      T.at("item").focus({ preventScroll: true });
    });
  };
  T.at("park").addEventListener("click", park);
  var giveUp = dialog("pos-give-up", function () { return !T.sale.done; }, function () {
    T.post("/discard", { key: T.sale.key }).then(function (a) {
      if (!a.ok) { T.refused(a.body, true); T.draw(); return; }
      T.sale.next = a.body.key;
      T.begin();
      if (a.body.message) B.say(a.body.message);
    });
    return "";
  });
  T.at("clear").addEventListener("click", function (ev) { giveUp(ev.currentTarget); });

  /* ---- keys: they work in fields too ---- */
  var toPay = function () {
    if (T.sale.done || !T.sale.lines.length) return;
    if (document.activeElement === amount || document.activeElement === take || document.activeElement === ref || (T.reckon() && T.reckon().left <= 0)) { press(); return; }
    amount.focus();
    amount.select();
  };
  var KEYS = { F2: T.findWho, F4: function () { off(); }, F6: function () { staff(); }, F8: park, F9: toPay };
  document.addEventListener("keydown", function (ev) {
    if (ev.altKey || ev.metaKey || ev.shiftKey || document.querySelector("dialog[open]")) return;
    if (ev.ctrlKey) {
      if (ev.key === "Enter") { ev.preventDefault(); press(); }
      return;
    }
    if (KEYS[ev.key]) { ev.preventDefault(); if (!ev.repeat) T.then(KEYS[ev.key]); return; }
    if (B.busyWith(ev) || ev.target.closest("details.pop[open], .pos-list")) return;
    if (T.lineKey(ev)) ev.preventDefault();
  });
  window.addEventListener("beforeunload", function (ev) { if (T.busy) ev.preventDefault(); });

  /* Other tills park and are paid meanwhile: what is counted here is asked again when somebody comes back. */
  var around = function () {
    countBooked();
    T.ask("/parked").then(function (a) { if (a.ok) told(a.body.results); });
  };
  document.addEventListener("visibilitychange", function () { if (!document.hidden) around(); });
  T.draw();
  if (T.sale.lines.length) T.changed();
  around();
})();
