"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const number = (value) => value.toLocaleString("en-US");
  const color = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  let charts = [];

  function draw(id, config) {
    const canvas = document.getElementById(id);
    if (canvas) charts.push(new Chart(canvas, config));
  }

  function drawVerdicts() {
    const rows = data.verdicts.filter((row) => row.users);
    draw("verdicts-chart", {
      type: "doughnut",
      data: {
        labels: rows.map((row) => row.name),
        datasets: [{
          data: rows.map((row) => row.users),
          backgroundColor: rows.map((row) => color(row.name)),
          borderColor: color("card"), borderWidth: 2, hoverOffset: 4,
        }],
      },
      options: {
        cutout: "68%", layout: { padding: 4 },
        plugins: { tooltip: { callbacks: { label: (item) => ` ${number(item.parsed)} users` } } },
      },
    });
  }

  function drawReasons() {
    const rows = data.reasons.slice().sort((one, other) => other.users - one.users).slice(0, 15);
    const labels = rows.map((row) => wrapped(row.code, innerWidth < 700 ? 20 : 50));
    drawBars("reasons-chart", heightOf(labels), {
      type: "bar",
      data: {
        labels,
        datasets: [{
          data: rows.map((row) => row.users), backgroundColor: rows.map((row) => color(row.verdict)),
          borderRadius: 4, maxBarThickness: 16, minBarLength: 3,
        }],
      },
      options: {
        scales: { x: countScale(), y: nameScale() },
        plugins: { tooltip: { callbacks: {
          title: ([item]) => rows[item.dataIndex].code,
          label: (item) => ` ${number(item.parsed.x)} users, ${rows[item.dataIndex].verdict}`,
        } } },
      },
    });
  }

  function drawTime() {
    const spans = data.spans;
    const hue = { stage: "stage", good: "imported", bad: "rejected" };
    const longest = Math.max(0, ...spans.map((span) => span.ended));
    const [unit, name] = longest > 7200 ? [3600, "h"] : longest > 180 ? [60, "min"] : [1, "s"];
    drawBars("time-chart", spans.length, {
      type: "bar",
      data: {
        labels: spans.map((span) => span.label),
        datasets: [{
          data: spans.map((span) => [span.begun / unit, span.ended / unit]),
          backgroundColor: spans.map((span) => color(hue[span.kind])),
          borderRadius: 3, borderSkipped: false, maxBarThickness: 14, minBarLength: 3,
        }],
      },
      options: {
        scales: {
          x: { min: 0, ticks: { callback: (value) => `${number(value)} ${name}` }, border: { display: false } },
          y: nameScale(),
        },
        plugins: { tooltip: { callbacks: {
          label: (item) => ` ${spans[item.dataIndex].took}, ${spans[item.dataIndex].told}`,
        } } },
      },
    });
  }

  // Lines of a label, cut behind spaces and, as codes have no spaces, behind underscores.
  function wrapped(text, width) {
    const lines = [""];
    for (const piece of text.replaceAll("`", "").split(/(?<=[ _])/)) {
      if (lines.at(-1) && (lines.at(-1) + piece).trim().length > width) lines.push("");
      lines.push(lines.pop() + piece);
    }
    return lines.map((line) => line.trim());
  }

  // Height of bars with labels of several lines, in rows of one line.
  const heightOf = (labels) => labels.length * (0.45 + 0.55 * Math.max(1, ...labels.map((label) => label.length)));

  function drawSignIns() {
    const rows = data.experiences;
    const labels = rows.map(([told]) => wrapped(told.replace(/ \(F[\d., F]+\)$/, ""), innerWidth < 700 ? 24 : 50));
    drawBars("sign-ins-chart", heightOf(labels), {
      type: "bar",
      data: {
        labels,
        datasets: [{
          data: rows.map(([, users]) => users), backgroundColor: color("created"),
          borderRadius: 4, maxBarThickness: 16, minBarLength: 3,
        }],
      },
      options: {
        scales: { x: countScale(), y: nameScale() },
        plugins: { tooltip: { callbacks: { title: () => "", label: (item) => ` ${number(item.parsed.x)} users` } } },
      },
    });
  }

  function drawQuotas() {
    const rows = data.categories;
    const bars = (values, name) => ({
      data: values, backgroundColor: color(name), maxBarThickness: 16, borderRadius: 2, borderSkipped: false,
    });
    const used = rows.map((row) => Math.min(100, row.used));
    const left = rows.map((row, at) => Math.max(0, row.share - used[at]));
    drawBars("quotas-chart", rows.length, {
      type: "bar",
      data: {
        labels: rows.map((row) => row.category),
        datasets: [
          bars(used, "created"), bars(left, "held"), bars(rows.map((row, at) => 100 - used[at] - left[at]), "free"),
        ],
      },
      options: {
        scales: {
          x: { stacked: true, max: 100, ticks: { callback: (value) => `${value} %` }, border: { display: false } },
          y: { ...nameScale(), stacked: true },
        },
        plugins: { tooltip: { callbacks: { label: (item) => {
          const row = rows[item.dataIndex];
          return ` ${row.rate.toFixed(1)} of ${number(row.limit)} a second; at most ${row.share} %`;
        } } } },
      },
    });
  }

  const countScale = () => ({ ticks: { precision: 0, callback: (value) => number(value) }, border: { display: false } });
  const nameScale = () => ({ grid: { display: false }, ticks: { autoSkip: false, color: color("ink") } });

  function drawBars(id, rows, config) {
    const canvas = document.getElementById(id);
    if (!canvas) return;
    canvas.parentElement.style.height = `${rows * 26 + 44}px`;
    config.options.indexAxis = "y";
    draw(id, config);
  }

  function tell(table) {
    const rows = data.named[table.dataset.rows];
    new DataTable(table, {
      ...(rows && { data: rows, columnDefs: [{ targets: "_all", render: asText }] }),
      order: [], pageLength: 25, autoWidth: false,
      drawCallback: () => table.closest("section").querySelector("nav")
        ?.setAttribute("aria-label", `Pages of ${table.caption.textContent}`),
      language: { info: "_START_ to _END_ of _TOTAL_", infoEmpty: "None",
        infoFiltered: "(of _MAX_)", lengthMenu: "_MENU_ a page", search: "Search", zeroRecords: "Nothing is found." },
    });
  }

  const escaped = DataTable.render.text().display;
  const asText = (value, type) =>
    value === null ? (type === "display" ? "–" : "") : type === "sort" || type === "type" ? value : escaped(String(value));

  function drawAll() {
    charts.forEach((chart) => chart.destroy());
    charts = [];
    Chart.defaults.animation = false;
    Chart.defaults.maintainAspectRatio = false;
    Chart.defaults.devicePixelRatio = Math.max(2, window.devicePixelRatio);
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.color = color("muted");
    Chart.defaults.borderColor = color("line");
    Chart.defaults.plugins.legend.display = false;
    drawVerdicts();
    drawReasons();
    drawTime();
    drawSignIns();
    drawQuotas();
  }

  drawAll();
  document.querySelectorAll("table.long").forEach(tell);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      root.classList.toggle("printing", printing);
      drawAll();
    });
  }
})();
