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
  }

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      root.classList.toggle("printing", printing);
      drawAll();
    });
  }
})();
