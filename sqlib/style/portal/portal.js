// Filters the cards; without it the whole list stays readable.
const form = document.querySelector("form"), cards = [...document.querySelectorAll(".job")];
const text = cards.map(card => (card.textContent + " " + card.dataset.words).toLowerCase());
function filter() {
  const words = form.search.value.toLowerCase().split(/\s+/);
  let count = 0;
  cards.forEach((card, i) => {
    card.hidden = !words.every(word => text[i].includes(word))
      || form.client.value && form.client.value !== card.dataset.client
      || form.status.value && form.status.value !== card.dataset.status;
    count += !card.hidden;
  });
  document.querySelectorAll(".run, .client").forEach(group => { group.hidden = !group.querySelector(".job:not([hidden])"); });
  document.getElementById("count").textContent = count;
  document.getElementById("nothing").hidden = count > 0;
}
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", event => event.preventDefault());
filter();
