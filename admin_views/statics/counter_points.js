/* The counter's points: what the customer has, and the rewards that are used; one that cannot be had leaves the sale again, with the reason. */
(function () {
  var B = window.Backroom, T = B && B.counter;
  if (!T) return;
  var row = T.at("points"), open = T.at("points-open"), has = T.at("points-has"), said = T.at("points-said"), list = T.at("rewards");
  var known = { of: null, body: null };
  var mine = function () { var c = T.sale.customer; return c && T.sale.rewards_of === c.id ? T.sale.rewards : []; };
  var tell = function (sentence) { said.hidden = !sentence; said.textContent = sentence || ""; };
  T.rewards = function () { return mine().map(function (r) { return r.id; }); };

  var ask = function () {
    var c = T.sale.customer;
    known = { of: c && c.id, body: null };
    if (!c) return;
    T.ask("/rewards?customer=" + encodeURIComponent(c.id)).then(function (a) {
      if (!a.ok || known.of !== c.id) return;
      known.body = a.body;
      T.drawPoints();
    });
  };
  T.drawPoints = function () {
    var c = T.sale.customer, body = known.body;
    if ((c && c.id) !== known.of && (c || known.of)) { tell(""); ask(); body = null; }
    row.hidden = !body || !(body.said || body.results.length);
    has.textContent = body ? body.said || "No points yet" : "";
    open.disabled = !body || !body.results.length || !!T.sale.done;
    list.textContent = "";
    mine().forEach(function (r, n) {
      var li = B.make("li"), x = B.make("button", { "class": "btn btn-quiet btn-sm btn-icon", type: "button", "data-pos-unreward": n, "aria-label": "Remove reward " + r.name, title: "Remove" });
      x.append(B.icon("x"));
      x.hidden = !!T.sale.done;
      li.append(B.icon("gift"), B.make("span", { dir: "auto" }, r.name), B.make("b", {}, r.points), x);
      list.append(li);
    });
  };
  /* What was refused is the newest: the price is asked for without it. */
  T.rewardRefused = function (body) {
    if (!/^rewards/.test(body.field || "") || !mine().length) return false;
    T.sale.rewards.pop();
    T.changed();
    tell(body.sentence);
    return true;
  };
  var use = function (r) {
    if (T.sale.rewards_of !== T.sale.customer.id) T.sale.rewards = [];
    T.sale.rewards_of = T.sale.customer.id;
    T.sale.rewards.push({ id: r.id, name: r.name, points: r.points });
    tell("");
    T.say(r.name + " is used.");
    T.changed();
  };
  var show = function () {
    if (T.sale.done || open.disabled || row.hidden) return;
    var d = document.getElementById("pos-gifts"), box = d.querySelector("[data-pos-list]");
    d.querySelector("[data-pos-has]").textContent = known.body.said;
    box.textContent = "";
    known.body.results.forEach(function (r) {
      var b = B.make("button", { "class": "pop-row pos-row", type: "button" }), words = B.make("span", { "class": "pop-word", dir: "auto" }, r.name);
      words.append(B.make("small", { dir: "auto" }, [r.gives, r.missing].filter(Boolean).join(" · ")));
      b.append(B.icon("gift"), words, B.make("em", {}, r.points));
      b.disabled = !!r.missing;
      b.addEventListener("click", function () { d.close(); use(r); open.focus({ preventScroll: true }); });
      box.append(b);
    });
    B.open("pos-gifts", open);
    var first = box.querySelector("button:not([disabled])");
    if (first) first.focus();
  };
  open.addEventListener("click", show);
  list.addEventListener("click", function (ev) {
    var b = ev.target.closest("[data-pos-unreward]");
    if (!b || T.sale.done) return;
    T.sale.rewards.splice(Number(b.dataset.posUnreward), 1);
    tell("");
    T.changed();
    open.focus({ preventScroll: true });
  });
  document.addEventListener("keydown", function (ev) {
    if (ev.key !== "F10" || ev.altKey || ev.metaKey || ev.shiftKey || ev.ctrlKey || ev.repeat || document.querySelector("dialog[open]")) return;
    if (T.sale.done || !T.sale.lines.length || row.hidden) return;
    ev.preventDefault();
    show();
  });
  T.drawPoints();
})();
