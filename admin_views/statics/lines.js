/* Line editors (order lines, variants, addresses): add by Tab from the last cell, remove, sums as one types.
   <table data-lines="lines"> with one <template data-line> whose names hold __n__; inputs named lines-0-quantity. */
(function () {
  var B = window.Backroom;
  if (!B) return;
  var cents = function (text) {
    var t = String(text || "").trim().replace(/[\s'’]/g, "");
    if (/,\d{1,2}$/.test(t)) t = t.replace(/\./g, "").replace(",", ".");
    else t = t.replace(/,/g, "");
    return /^-?\d+(\.\d+)?$/.test(t) ? Number(t) : null;
  };
  var written = function (n, decimals) {
    return n.toLocaleString(document.documentElement.lang || "en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−");
  };
  B.all("[data-lines]").forEach(function (table) {
    var form = table.closest("form"), body = table.tBodies[0], pattern = table.querySelector("template[data-line]");
    var count = document.querySelector("[name='" + table.dataset.lines + "-count']");
    var next = B.all("tr.ln", body).length, decimals = Number(table.dataset.decimals || 2);
    var lines = function () { return B.all("tr.ln", body); };
    var part = function (row, name) { return row.querySelector("[name$='-" + name + "']"); };
    var sum = function () {
      var total = 0;
      lines().forEach(function (row) {
        var q = part(row, "quantity"), p = part(row, "unit_price") || part(row, "price"), out = row.querySelector("[data-line-total]");
        if (!q || !p || !out) return;
        var a = cents(q.value), b = cents(p.value);
        if (a === null || b === null) { out.textContent = "–"; return; }
        var off = part(row, "discount"), d = (off && cents(off.value)) || 0;
        total += Math.round((a * b - d) * Math.pow(10, decimals));
        out.textContent = written(Math.max(a * b - d, 0), decimals);
      });
      var all = form.querySelector("[data-order-discount]");
      if (all) total -= Math.round((cents(all.value) || 0) * Math.pow(10, decimals));
      B.all("[data-lines-total]").forEach(function (e) { e.textContent = written(Math.max(total, 0) / Math.pow(10, decimals), decimals); });
      if (count) count.value = next;
    };
    var renumber = function () {
      lines().forEach(function (row, n) {
        B.all("[data-says]", row).forEach(function (e) { e.setAttribute("aria-label", e.dataset.says + ", line " + (n + 1)); });
      });
    };
    var ready = function (row) { B.all("[data-pick]", row).forEach(B.pick); };
    var add = function () {
      var made = pattern.content.cloneNode(true), holder = document.createElement("tbody");
      holder.append(made);
      B.all("*", holder).forEach(function (e) {
        Array.prototype.forEach.call(e.attributes, function (a) { if (a.value.indexOf("__n__") >= 0) a.value = a.value.replace(/__n__/g, next); });
      });
      next += 1;
      var row = holder.querySelector("tr"), foot = body.querySelector(".ln-add");
      body.insertBefore(row, foot);
      ready(row);
      renumber();
      sum();
      var first = row.querySelector("input:not([type=hidden]), select");
      if (first) first.focus();
      form.dispatchEvent(new CustomEvent("lines"));
    };
    table.addEventListener("click", function (ev) {
      if (ev.target.closest("[data-add-line]")) { add(); return; }
      var remove = ev.target.closest("[data-remove-line]");
      if (!remove) return;
      var row = remove.closest("tr.ln"), error = row.nextElementSibling;
      if (error && error.classList.contains("ln-err")) error.remove();
      var near = row.previousElementSibling || row.nextElementSibling;
      row.remove();
      renumber();
      sum();
      form.dispatchEvent(new CustomEvent("lines"));
      var to = near && near.querySelector("input:not([type=hidden]), button");
      if (to) to.focus();
    });
    /* Tab in the last cell of a filled last line adds one */
    table.addEventListener("keydown", function (ev) {
      if (ev.key !== "Tab" || ev.shiftKey || ev.ctrlKey) return;
      var all = lines(), row = all[all.length - 1];
      if (!row || !row.contains(ev.target)) return;
      var cells = B.all("input:not([type=hidden]), select, textarea", row);
      if (ev.target !== cells[cells.length - 1] || !cells[0].value) return;
      ev.preventDefault();
      add();
    });
    table.addEventListener("input", sum);
    form.addEventListener("input", function (ev) { if (ev.target.matches("[data-order-discount]")) sum(); });
    table.addEventListener("picked", function (ev) {
      var row = ev.target.closest("tr.ln"), item = ev.detail;
      var price = part(row, "unit_price") || part(row, "price"), q = part(row, "quantity"), hint = row.querySelector("[data-line-hint]"), kind = part(row, "kind");
      if (price && item.price !== undefined) price.value = item.price;
      if (q && !q.value) q.value = "1";
      if (kind && item.kind) kind.value = item.kind;
      if (hint) hint.textContent = item.hint || "";
      sum();
      if (q) { q.focus(); q.select(); }
    });
    lines().forEach(ready);
    renumber();
    sum();
  });
})();
