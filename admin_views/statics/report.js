/* The figures of a report: drawn by Plotly from what stands beside them, in the colours of the stylesheet. */
(function () {
  var B = window.Backroom, root = document.documentElement;
  if (!window.Plotly) return;
  var CONFIG = { displayModeBar: false, responsive: true, doubleClick: false };
  var phone = matchMedia("(max-width: 767.98px)"), PAPER = 640, printing = false; /* fits upright paper, within its card */

  /* ---- one template, whose shades are the theme's ---- */
  var shade = function (name) { return getComputedStyle(root).getPropertyValue(name).trim(); };
  var template = function () {
    var text = shade("--bk-text"), muted = shade("--bk-muted"), grid = shade("--bk-grid"), line = shade("--bk-line-strong");
    var family = getComputedStyle(document.body).fontFamily;
    return { layout: {
      font: { family: family, size: 12, color: muted }, colorway: [1, 2, 3, 4, 5, 6].map(function (n) { return shade("--bk-c" + n); }),
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 44, r: 8, t: 8, b: 32 }, bargap: 0.42,
      xaxis: { showgrid: false, linecolor: line, gridcolor: grid, ticks: "", fixedrange: true, zerolinecolor: line, tickformat: "~s" },
      yaxis: { gridcolor: grid, zerolinecolor: line, ticks: "", rangemode: "tozero", tickformat: "~s", nticks: 5, fixedrange: true },
      hovermode: "x unified", dragmode: false, showlegend: false,
      hoverlabel: { bgcolor: shade("--bk-raised"), bordercolor: line, font: { family: family, color: text, size: 12 } }
    } };
  };
  /* c1 to c6 are the theme's; a field of a grid is as dark as its value */
  var coloured = function (value) {
    if (typeof value === "string" && /^c[1-6]$/.test(value)) return shade("--bk-" + value);
    if (Array.isArray(value) || value === null || typeof value !== "object") return value;
    var out = {};
    Object.keys(value).forEach(function (k) { out[k] = /^(marker|line|color|colors|fill|textfont|font)$/.test(k) ? coloured(value[k]) : value[k]; });
    return out;
  };
  var traces = function (data) {
    var scale = [[0, shade("--bk-heat-low") || shade("--bk-sunken")], [1, shade("--bk-heat") || shade("--bk-c1")]];
    return data.map(function (t) {
      var drawn = coloured(t);
      if (t.type === "heatmap") drawn.colorscale = scale;
      return drawn;
    });
  };
  /* from one on 1k, 2M; below it 0.2, not 200 milli; no template says so */
  var STEPS = [{ dtickrange: [null, 0.99], value: "~f" }, { dtickrange: [1, null], value: "~s" }];
  var layout = function (figure) {
    var given = JSON.parse(JSON.stringify(figure.layout));
    ["xaxis", "yaxis"].forEach(function (name) {
      var axis = given[name] = given[name] || {};
      if (axis.type !== "category") axis.tickformatstops = STEPS;
    });
    given.template = template();
    delete given.height; /* the card says how high it is */
    given.autosize = !printing;
    if (printing) given.width = PAPER;
    return given;
  };

  var drawn = [];
  B.all("[data-figure]").forEach(function (el) {
    var figure = JSON.parse(el.dataset.figure);
    Plotly.newPlot(el, traces(figure.data), layout(figure), CONFIG).then(function () {
      el.dataset.drawn = "1";
      var box = el.closest(".rp-scroll");
      if (box && phone.matches) box.scrollLeft = box.scrollWidth; /* the newest end */
    });
    drawn.push([el, figure]);
    var opens = figure.data.some(function (t) { return t.customdata; });
    el.classList.toggle("can-open", opens);
    /* a mark opens the list behind it; with several under the pointer, the one that is pressed */
    el.on("plotly_click", function (ev) {
      var point = pressed(el, ev);
      var at = point && address(point);
      if (!at) return;
      if (ev.event && (ev.event.ctrlKey || ev.event.metaKey)) window.open(at, "_blank", "noopener"); else location.assign(at);
    });
  });
  var address = function (point) {
    var data = point.data.customdata;
    if (!data) return null;
    var n = point.pointNumber === undefined ? point.pointIndex : point.pointNumber;
    var found = Array.isArray(n) ? (data[n[0]] || [])[n[1]] : data[n];
    return typeof found === "string" && found.indexOf("/admin/") === 0 ? found : null;
  };
  /* Plotly tells all marks of a day at once: of a stack it is the one whose piece lies under the pointer */
  var pressed = function (el, ev) {
    var opening = ev.points.filter(address);
    var bars = ev.points.filter(function (p) { return p.data.type === "bar"; })
      .sort(function (a, b) { return a.curveNumber - b.curveNumber; });
    if (bars.length < 2 || !ev.event || el.layout.barmode === "group") return opening[0];
    var box = el.getBoundingClientRect(), lying = bars[0].data.orientation === "h";
    var axis = lying ? bars[0].xaxis : bars[0].yaxis;
    var value = axis.p2d(lying ? ev.event.clientX - box.left - axis._offset : ev.event.clientY - box.top - axis._offset);
    var ends = { up: 0, down: 0 };
    var hit = bars.filter(function (p) {
      var size = Number(lying ? p.x : p.y) || 0, side = size < 0 ? "down" : "up", from = ends[side];
      ends[side] += size;
      return size < 0 ? value <= from && value >= ends[side] : value >= from && value <= ends[side];
    })[0];
    return hit && address(hit) ? hit : opening[0];
  };

  var again = function () {
    drawn.forEach(function (pair) { Plotly.react(pair[0], traces(pair[1].data), layout(pair[1]), CONFIG); });
  };
  /* ---- the theme's shades follow its button ---- */
  new MutationObserver(again).observe(root, { attributes: true, attributeFilter: ["data-bs-theme"] });

  /* ---- a picture of the figure as it is shown, on the card's ground ---- */
  var picture = function (el, name) {
    var wide = Math.max(el.clientWidth, 640), high = el.clientHeight;
    Plotly.toImage(el, { format: "svg", width: wide, height: high }).then(function (url) {
      var image = new Image();
      image.onload = function () {
        var canvas = document.createElement("canvas"), by = 2;
        canvas.width = wide * by; canvas.height = high * by;
        var pen = canvas.getContext("2d");
        pen.fillStyle = shade("--bk-surface");
        pen.fillRect(0, 0, canvas.width, canvas.height);
        pen.drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(function (blob) {
          var a = B.make("a", { href: URL.createObjectURL(blob), download: name + ".png" });
          document.body.append(a);
          a.click();
          a.remove();
          setTimeout(function () { URL.revokeObjectURL(a.href); }, 10000);
        });
      };
      image.src = url;
    });
  };
  B.all("[data-png]").forEach(function (b) {
    b.addEventListener("click", function () {
      var el = document.getElementById("figure-" + b.dataset.png);
      if (el) picture(el, b.dataset.name + (b.dataset.png === "main" ? "" : "-" + b.dataset.png));
      B.closePop();
    });
  });
  /* a figure does not fit itself to paper, which has no width before it is printed */
  addEventListener("beforeprint", function () { printing = true; again(); });
  addEventListener("afterprint", function () { printing = false; again(); });
})();
