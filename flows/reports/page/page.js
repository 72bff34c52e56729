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
    drawBars("reasons-chart", rows.length, {
      type: "bar",
      data: {
        labels: rows.map((row) => row.code),
        datasets: [{
          data: rows.map((row) => row.users), backgroundColor: rows.map((row) => color(row.verdict)),
          borderRadius: 4, maxBarThickness: 16, minBarLength: 3,
        }],
      },
      options: {
        scales: { x: countScale(), y: nameScale() },
        plugins: { tooltip: { callbacks: {
          label: (item) => ` ${number(item.parsed.x)} users, ${rows[item.dataIndex].verdict}`,
        } } },
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
    new DataTable(table, {
      data: data.named[table.dataset.rows],
      order: [], pageLength: 25, autoWidth: false,
      columnDefs: [{ targets: "_all", render: asText }],
      drawCallback: () => table.closest("section").querySelector("nav")
        ?.setAttribute("aria-label", `Pages of ${table.caption.textContent}`),
      language: { entries: { _: "users", 1: "user" }, info: "_START_ to _END_ of _TOTAL_", infoEmpty: "Nobody",
        infoFiltered: "(of _MAX_)", lengthMenu: "_MENU_ a page", search: "Search", zeroRecords: "Nobody is found." },
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
