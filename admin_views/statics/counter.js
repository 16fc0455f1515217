/* The counter: the sale as it stands in this tab, what the server says it comes to, and its lines. Nothing is charged here: one POST sells it all. */
(function () {
  var B = window.Backroom, root = document.querySelector("[data-counter]");
  if (!B) return;
  if (!root) return;
  var T = B.counter = { config: JSON.parse(root.dataset.counter), root: root, quote: null, busy: false };
  var C = T.config, SLOT = "counter:" + C.vendor;
  T.at = function (name) { return document.querySelector("[data-pos-" + name + "]"); };
  T.LOST = "The counter cannot be reached: everything you typed stays, try again in a moment.";
  T.OUT = "You are signed out: sign in again in this tab, everything you typed is still here.";

  /* ---- money, in the smallest coin; a comma may stand for the point ---- */
  var unit = Math.pow(10, C.decimals);
  T.coins = function (text) {
    var plain = String(text).replace(/[\s\u00a0\u202f'’]/g, "");
    if (/^\d+,\d{1,2}$/.test(plain)) plain = plain.replace(",", ".");
    plain = plain.replace(/,(?=\d{3}(\D|$))/g, "");
    if (!/^(\d{1,10}(\.\d{0,2})?|\.\d{1,2})$/.test(plain)) return null;
    var value = Math.round(parseFloat(plain) * unit * 100) / 100;
    return value === Math.floor(value) ? value : null;
  };
  T.plain = function (coins) { return (coins / unit).toFixed(C.decimals); };
  T.shown = function (coins) {
    var parts = T.plain(Math.abs(coins)).split(".");
    parts[0] = parts[0].replace(/\B(?=(\d{3})+$)/g, C.group);
    return (coins < 0 ? "−" : "") + parts.join(C.point);
  };

  /* ---- the sale is kept in the tab until it is done: a reload or a lost sign-in loses nothing ---- */
  T.fresh = function (key) {
    return { key: key || C.key, customer: null, unknown: null, lines: [], off: { amount: "", why: "" }, codes: [], rewards: [], rewards_of: null, paid: [], tender: "cash", amount: "", reference: "", mail: null, at: -1, done: null };
  };
  T.save = function () { try { sessionStorage.setItem(SLOT, JSON.stringify(T.sale)); } catch (e) { /* storage may be off */ } };
  T.sale = (function () {
    var named = C.customer;
    try {
      var kept = JSON.parse(sessionStorage.getItem(SLOT));
      if (kept && kept.key && Array.isArray(kept.lines) && !kept.done && !(named && !kept.lines.length)) return Object.assign(T.fresh(kept.key), kept);
    } catch (e) { /* storage may be off, or hold something else */ }
    return Object.assign(T.fresh(), { customer: named });
  })();

  /* ---- asking: {ok, body}; a refusal is {sentence, field} ---- */
  T.post = function (path, sent) {
    return fetch(C.here + path, { method: "POST", body: JSON.stringify(sent), headers: { Accept: "application/json", "Content-Type": "application/json" }, credentials: "same-origin" })
      .then(answered).catch(lost);
  };
  T.ask = function (path) {
    return fetch(C.here + path, { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" })
      .then(answered).catch(lost);
  };
  function lost() { return { ok: false, lost: true, body: { sentence: T.LOST } }; }
  function answered(r) {
    if (r.status === 401) return { ok: false, out: true, body: { sentence: T.OUT, link: { title: "Sign in", url: "/admin/login?next=" + encodeURIComponent(C.here) } } };
    return r.json().then(function (d) { return { ok: r.ok, body: r.ok || d.sentence ? d : { sentence: d.message || T.LOST } }; });
  }
  T.sent = function () {
    var s = T.sale, who = s.customer ? { customer: s.customer.id } : s.unknown || {};
    return Object.assign({
      key: s.key, discount: s.off.amount || null, discount_why: s.off.why || null, codes: s.codes, rewards: T.rewards ? T.rewards() : [],
      lines: s.lines.map(function (l) {
        return { kind: l.kind, item: l.item, quantity: l.quantity, amount: l.amount, name: l.amount ? l.name : null, discount: l.discount || null, why: l.why || null, booking: l.booking, staff: l.staff, holding: l.holding || null, membership: l.membership || null };
      })
    }, who);
  };

  /* ---- what it comes to: asked again after each change, and only the newest answer counts ---- */
  var asked = 0;
  T.requote = B.later(120, function () {
    var mine = ++asked;
    if (!T.sale.lines.length) { T.quote = null; T.refused(null); T.draw(); return; }
    T.post("/quote", T.sent()).then(function (a) {
      if (mine !== asked) return;
      T.waiting = false;
      if (a.ok) { T.quote = a.body; if (!T.held) T.refused(null); }
      else {
        if (!(T.held && (a.lost || a.out))) T.quote = null; /* nobody was asked, and nothing has changed: it costs what it did */
        T.refused(a.body);
        if (a.lost && !T.quote) setTimeout(T.requote, 3000);
      }
      T.draw();
    });
  });
  T.changed = function () {
    if (T.sale.done) { T.sale = T.fresh(T.sale.next); }
    asked++;
    T.held = false;
    T.waiting = T.sale.lines.length > 0;
    T.save();
    T.draw();
    T.requote();
  };
  T.refused = function (body, focus) {
    if (body && ((T.codeRefused && T.codeRefused(body)) || (T.rewardRefused && T.rewardRefused(body)))) body = null;
    var box = T.at("refused"), span = box.querySelector("span"), row = body && /^lines\.(\d+)/.exec(body.field || "");
    T.wrong = row ? { n: Number(row[1]), sentence: body.sentence } : null;
    box.hidden = !body || !!T.wrong;
    span.textContent = body && !T.wrong ? body.sentence : "";
    if (body && body.link) span.append(" ", B.make("a", { href: body.link.url }, body.link.title));
    if (body && focus && !box.hidden) { box.scrollIntoView({ block: "nearest" }); box.focus(); }
  };
  T.say = function (text) { T.at("status").textContent = text; };

  /* ---- lines ---- */
  var same = function (a, b) { return a.kind === b.kind && a.item === b.item && !a.booking && !b.booking && !a.amount && !b.amount && !b.discount; };
  T.add = function (item, more) {
    if (T.sale.done) T.sale = T.fresh(T.sale.next);
    var s = T.sale, line = Object.assign({ kind: item.kind, item: item.item, icon: item.icon, name: item.name, sub: item.sub, price: item.price, quantity: 1, amount: null, discount: "", why: "", booking: item.booking || null, staff: item.staff || null, staff_name: item.staff_name || "" }, more || {});
    var n = -1;
    s.lines.forEach(function (l, i) { if (same(line, l) && l.kind === "product") n = i; });
    if (n >= 0) s.lines[n].quantity = Number(s.lines[n].quantity) + 1;
    else n = s.lines.push(line) - 1;
    s.at = n;
    if (item.customer && !s.customer) { s.customer = item.customer; s.unknown = null; }
    T.say(line.name + " is added.");
    T.changed();
  };
  T.quantity = function (n, by) {
    var l = T.sale.lines[n];
    if (!l || T.sale.done || l.booking || l.kind === "membership") return;
    l.quantity = Math.max(1, (Number(l.quantity) || 1) + by);
    T.changed();
  };
  /* pays for a line with a package or a membership, or with money again */
  T.use = function (named) {
    var part = named.split(":"), l = T.sale.lines[Number(part[0])];
    if (!l || T.sale.done) return;
    var holding = Number(part[1]) || null, membership = Number(part[2]) || null;
    var off = (l.holding || null) === holding && (l.membership || null) === membership;
    l.holding = off ? null : holding;
    l.membership = off ? null : membership;
    T.changed();
  };
  T.remove = function (n) {
    var gone = T.sale.done ? null : T.sale.lines.splice(n, 1)[0];
    if (!gone) return;
    T.sale.at = Math.min(T.sale.at, T.sale.lines.length - 1);
    T.say(gone.name + " is removed.");
    T.changed();
  };
  T.select = function (n) {
    T.sale.at = Math.max(-1, Math.min(n, T.sale.lines.length - 1));
    B.all("tr", T.at("rows")).forEach(function (tr) { tr.classList.toggle("is-selected", Number(tr.dataset.n) === T.sale.at); });
    T.save();
  };

  var cell = function (css, text) { return B.make("td", { "class": css }, text); };
  var drawLine = function (l, n) {
    var q = T.quote && T.quote.lines[n], tr = B.make("tr", { "data-n": n });
    if (n === T.sale.at) tr.className = "is-selected";
    var name = cell("pos-name"), inside = B.make("div", { "class": "pos-i" }), words = B.make("div");
    var left = q && q.left, sub = [l.staff_name, l.sub, left && !q.short ? left : ""].filter(Boolean).join(" · ");
    words.append(B.make("b", { dir: "auto" }, q ? q.name : l.name));
    if (sub) words.append(B.make("small", { dir: "auto" }, sub));
    if (left && q.short) { var low = B.make("small", { "class": "pos-low" }); low.append(B.icon("alert-triangle"), left); words.append(low); }
    if (T.wrong && T.wrong.n === n) { var bad = B.make("small", { "class": "pos-bad", role: "alert", dir: "auto" }); bad.append(B.icon("alert-circle"), T.wrong.sentence); words.append(bad); }
    /* what the customer has that pays for it: one press, and another one takes it back */
    (T.sale.done ? [] : (q && q.uses) || []).forEach(function (u) {
      var on = (l.holding || null) === u.holding && (l.membership || null) === u.membership;
      var use = B.make("button", { type: "button", "class": "pos-use", "data-pos-use": n + ":" + (u.holding || "") + ":" + (u.membership || ""), "aria-pressed": String(on), dir: "auto" });
      use.append(B.icon(on ? "check" : "ticket"), on ? "Paid by " + u.name : "Use " + u.name + ", " + u.left);
      words.append(use);
    });
    inside.append(B.icon(l.icon || "point"), words);
    name.append(inside);
    var qty = cell("num pos-q"), fixed = T.sale.done || l.booking || l.kind === "membership", box = B.make("span", { "class": "qty" });
    var less = B.make("button", { type: "button", "data-pos-less": n, "aria-label": "One less, " + l.name }, "−"), more = B.make("button", { type: "button", "data-pos-plus": n, "aria-label": "One more, " + l.name }, "+");
    var input = B.make("input", { "class": "form-control", "data-pos-qty": n, inputmode: "numeric", maxlength: "7", autocomplete: "off", "aria-label": "Quantity, " + l.name, value: l.quantity });
    less.disabled = more.disabled = input.disabled = !!fixed;
    box.append(less, input, more);
    qty.append(box);
    var off = cell("num pos-d");
    if (q && q.discount) { off.append(B.make("b", {}, q.discount)); if (q.why) off.append(B.make("small", { dir: "auto", title: q.why }, q.why)); }
    else off.append(B.make("span", { "class": "none" }, "–"));
    var total = cell("num pos-t");
    total.append(B.make("b", {}, q ? q.total : "…"));
    var x = cell("pos-r"), gone = B.make("button", { "class": "btn btn-quiet btn-icon btn-sm", type: "button", "data-pos-gone": n, "aria-label": "Remove " + l.name, title: "Remove" });
    gone.append(B.icon("x"));
    gone.hidden = !!T.sale.done;
    x.append(gone);
    tr.append(cell("pos-n", String(n + 1)), name, qty, cell("num pos-p", q ? q.price : l.price || ""), off, cell("num pos-x", q ? q.tax : ""), total, x);
    return tr;
  };
  /* A field that is being typed into stays, with its caret, while the rows around it are drawn anew. */
  var drawLines = function () {
    var rows = T.at("rows"), held = document.activeElement, n = rows.contains(held) && held.dataset.posQty, part = rows.contains(held) && ["posQty", "posLess", "posPlus", "posGone", "posUse"].filter(function (k) { return held.dataset[k] !== undefined; })[0];
    var key = part && held.dataset[part], from = n !== false && n !== undefined ? held.selectionStart : null, typed = from !== null ? held.value : null;
    rows.textContent = "";
    T.sale.lines.forEach(function (l, i) { rows.append(drawLine(l, i)); });
    if (part) {
      var again = B.all("button, input", rows).filter(function (e) { return e.dataset[part] === key; })[0];
      if (again) { if (typed !== null) again.value = typed; again.focus({ preventScroll: true }); if (from !== null) again.setSelectionRange(from, from); }
    }
    T.at("table").hidden = !T.sale.lines.length;
    T.at("empty").hidden = T.sale.lines.length > 0;
  };
  var drawSums = function () {
    var dl = T.at("sums"), q = T.quote;
    dl.textContent = "";
    (q ? q.sums : []).forEach(function (r) {
      var css = r.soft ? "soft" : null;
      dl.append(B.make("dt", { "class": css }, r.label), B.make("dd", { "class": css }, r.amount));
    });
    T.at("total").textContent = q ? q.total_text : "–";
  };
  T.draw = function () {
    var any = T.sale.lines.length > 0, done = !!T.sale.done;
    drawLines();
    drawSums();
    T.at("none").hidden = any || done;
    T.at("open").hidden = !any || done;
    T.at("foot").hidden = !any || done;
    T.at("more").hidden = !any || done;
    T.at("done").hidden = !done;
    if (T.drawCodes) T.drawCodes();
    if (T.drawPoints) T.drawPoints();
    if (T.drawWho) T.drawWho();
    if (T.drawPay) T.drawPay();
  };

  root.addEventListener("click", function (ev) {
    var b = ev.target.closest("[data-pos-plus], [data-pos-less], [data-pos-gone], [data-pos-use], [data-pos-tile]");
    var tr = ev.target.closest("tr[data-n]");
    if (tr && !ev.target.closest("[data-pos-gone]")) T.select(Number(tr.dataset.n));
    if (!b) return;
    if (b.dataset.posPlus) T.quantity(Number(b.dataset.posPlus), 1);
    else if (b.dataset.posLess) T.quantity(Number(b.dataset.posLess), -1);
    else if (b.dataset.posUse) T.use(b.dataset.posUse);
    else if (b.dataset.posGone) { T.remove(Number(b.dataset.posGone)); T.at("item").focus({ preventScroll: true }); }
    else T.take(JSON.parse(b.dataset.posTile));
  });
  root.addEventListener("input", function (ev) {
    var n = ev.target.dataset.posQty;
    if (n === undefined) return;
    T.sale.lines[n].quantity = ev.target.value.trim();
    if (!/^\d{1,7}$/.test(T.sale.lines[n].quantity) || Number(T.sale.lines[n].quantity) === 0) { T.save(); return; }
    T.changed();
  });
  root.addEventListener("focusin", function (ev) {
    if (ev.target.dataset.posQty === undefined) return;
    ev.target.select();
    T.select(Number(ev.target.dataset.posQty));
  });
  root.addEventListener("focusout", function (ev) {
    var n = ev.target.dataset.posQty;
    if (n === undefined || !T.sale.lines[n]) return;
    if (Number(T.sale.lines[n].quantity) > 0 && /^\d+$/.test(String(T.sale.lines[n].quantity))) return;
    T.sale.lines[n].quantity = 1;
    ev.target.value = 1;
    T.changed();
  });
})();
