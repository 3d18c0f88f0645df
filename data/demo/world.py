"""The world of a demo client: clean tables of customers, invitations, answers and cases, drawn from one seed.

What is planted and how large it is stands in ``<client>.toml`` beside this file; the answers follow from it here.
A satisfied answer is a latent normal above a threshold, so that the planted chances hold exactly whatever the
correlation of the answers of one owner.
"""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

HERE = Path(__file__).resolve().parent
SEED = 20260928
LOW_LEVELS, HIGH_LEVELS = [0.20, 0.34, 0.46], [0.50, 0.50]  # 1, 2, 3 of the dissatisfied; 4, 5 of the satisfied
LOW_RECOMMEND = [0.06, 0.05, 0.07, 0.10, 0.14, 0.28, 0.30]  # 0 … 6
HIGH_RECOMMEND = [0.16, 0.30, 0.28, 0.26]  # 7 … 10
LOW_EASE, HIGH_EASE = [0.10, 0.20, 0.30, 0.40], [0.30, 0.40, 0.30]  # 1 … 4; 5 … 7
FILING_DAYS = 15  # the monthly filing window closes on the 15th
FILING_MONTHS = [1, 4, 7, 10]  # quarterly filing falls into these


def load_world(client: str = "jiahe") -> dict:
    """What is planted and the words it is told in."""
    return tomllib.loads((HERE / f"{client}.toml").read_text(encoding="utf-8"))


def simulate(seed: int = SEED, client: str = "jiahe") -> dict[str, pd.DataFrame]:
    """Clean tables of one world: customers, invitations, feedback, feedback_items, cases.

    Every table draws from its own stream, so that a new table changes no other. ``feedback`` also carries what the
    page looks up (segment, cluster) and what it must find out (theme); ``cases.answers`` names the answer that a case
    follows.
    """
    world = load_world(client)
    customers = _customers(world, _stream(seed, "customers"))
    calendar = _calendar(world, customers)
    invitations = _invitations(world, calendar, _stream(seed, "invitations"))
    feedback = _feedback(world, customers, calendar, invitations, _stream(seed, "feedback"))
    feedback = feedback.assign(**_comments(world, feedback, _stream(seed, "comments")))
    answered = feedback.loc[feedback["channel"] == "online"].set_index("invitation_id")["feedback_id"]
    invitations = invitations.assign(feedback_id=invitations["invitation_id"].map(answered))
    items = _items(world, feedback, _stream(seed, "feedback_items"))
    cases = _cases(world, calendar, feedback, _stream(seed, "cases"))
    latent = [column for column in feedback if column.startswith("_")]
    return {
        "customers": customers.drop(columns="_owner"),
        "invitations": invitations,
        "feedback": feedback.drop(columns=[*latent, "invitation_id"]),
        "feedback_items": items,
        "cases": cases,
    }


def _stream(seed: int, table: str) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(table.encode())))


def _months(world: dict) -> pd.DatetimeIndex:
    return pd.date_range(world["world"]["first_month"], periods=world["world"]["months"], freq="MS")


def _pick(rng: np.random.Generator, n: int, weights) -> np.ndarray:
    """n draws of an index with the given weights, by inversion: stable from one numpy to the next."""
    edges = np.cumsum(weights) / np.sum(weights)
    return np.minimum(np.searchsorted(edges, rng.random(n), side="right"), len(edges) - 1)


def _shuffled(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.argsort(rng.random(n), kind="stable")


# ---------------------------------------------------------------- customers


def _customers(world: dict, rng: np.random.Generator) -> pd.DataFrame:
    segments, teams = world["segments"], world["teams"]["names"]
    counts = np.array(segments["companies"])
    segment, team = (axis.repeat(counts.ravel()) for axis in np.indices(counts.shape).reshape(2, -1))
    order = _shuffled(rng, len(segment))
    segment, team = segment[order], team[order]
    n = len(segment)
    start, end = _contracts(world, n, rng)
    fee = np.round(np.array(segments["fee"])[segment] * np.exp(0.3 * rng.standard_normal(n)) / 10) * 10
    staff = team * world["world"]["staff_per_team"] + (rng.random(n) * world["world"]["staff_per_team"]).astype(int) + 1
    owner = _owners(world, team, rng)
    group = pd.Series(owner).map(lambda k: _owner_name(world, k) if k >= 0 else pd.NA)
    ids = np.array([f"{k:03d}" for k in range(1, n + 1)], dtype=object)
    loyal = (start < _months(world)[0]) & end.isna() & (segment == 0)
    ids[np.flatnonzero(loyal)[0]] = "NA"  # a real customer whose id a careless reader takes for missing
    return pd.DataFrame({
        "customer_id": ids,
        "customer_name": _company_names(world, segment, rng),
        "customer_group": group,
        "segment": np.array(segments["names"])[segment],
        "region": np.array(world["names"]["regions"])[_pick(rng, n, [4, 3, 3, 2])],
        "team": np.array(teams)[team],
        "owner_staff_id": [f"K{k:02d}" for k in staff],
        "monthly_fee": fee.astype(int),
        "start_date": start,
        "end_date": end,
        "_owner": np.where(owner >= 0, owner, world["world"]["groups"] + np.arange(n)),
    })  # fmt: skip


def _contracts(world: dict, n: int, rng: np.random.Generator) -> tuple[pd.Series, pd.Series]:
    """Seven in ten were customers before the first month; one in ten has left."""
    first, last = _months(world)[0], pd.Timestamp(world["world"]["as_of"])
    old = rng.random(n) < 0.72
    back, ahead, left = rng.random(n), rng.random(n), rng.random(n)
    days = np.where(old, -1800 * back, 780 * ahead).astype(int)
    start = pd.Series(first + pd.to_timedelta(days, unit="D"))
    span = (last - start).dt.days
    end = start + pd.to_timedelta((span * (0.45 + 0.55 * ahead)).astype(int), unit="D")
    return start, end.where((left < 0.10) & (span > 400) & (end > first))


def _owners(world: dict, team: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Owner number of each company, -1 for an owner of one; the companies of one owner share a team."""
    owner = np.full(len(team), -1)
    for number in range(world["world"]["groups"]):
        head = int(rng.random() * len(team))
        free = np.flatnonzero((owner < 0) & (team == team[head]))
        size = 2 + int(rng.random() < 0.3)
        owner[free[_shuffled(rng, len(free))[:size]]] = number
    return owner


def _owner_name(world: dict, number: int) -> str:
    return world["names"]["owner"].format(world["names"]["owners"][number])


def _company_names(world: dict, segment: np.ndarray, rng: np.random.Generator) -> list[str]:
    names = world["names"]
    brands = [a + b for a in names["first"] for b in names["second"]]
    brands = [brands[k] for k in _shuffled(rng, len(brands))[: len(segment)]]
    kinds = [names["kinds"][s][k] for s, k in zip(segment, _pick(rng, len(segment), [5, 3, 2, 1]), strict=True)]
    patterns = np.array([names["plain"], names["bracket"]])[_pick(rng, len(segment), [5, 1])]
    return [
        pattern.format(city=names["city"], brand=brand, kind=kind)
        for pattern, brand, kind in zip(patterns, brands, kinds, strict=True)
    ]


# ---------------------------------------------------------------- invitations and answers


def _calendar(world: dict, customers: pd.DataFrame) -> pd.DataFrame:
    """One row a customer and month under contract from its first day to its last."""
    months = _months(world)
    rows = customers.loc[customers.index.repeat(len(months))].assign(month=np.tile(months, len(customers)))
    left = rows["end_date"] < rows["month"] + pd.offsets.MonthEnd(0)
    return rows[(rows["start_date"] < rows["month"]) & ~left].sort_values(["month", "customer_id"], ignore_index=True)


def _invitations(world: dict, calendar: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Each customer is asked once a quarter, after the filing window of that customer's month of the quarter."""
    response = world["response"]
    turn = calendar["customer_id"].map({key: k % 3 for k, key in enumerate(calendar["customer_id"].unique())})
    asked = calendar[(turn == (calendar["month"].dt.month - 1) % 3) & (rng.random(len(calendar)) < response["invited"])]
    silent = asked["segment"] == world["segments"]["silent"]
    chance = np.where(silent, response["survey_silent"], response["survey"])
    table = _at(asked, FILING_DAYS + 3 * rng.random(len(asked)), rng).assign(
        channel=np.array(world["names"]["invited_by"])[_pick(rng, len(asked), [4, 1])],
        responded=(rng.random(len(asked)) < chance).astype(int),
    )
    table = table.rename(columns={"at": "sent_at"}).sort_values(["sent_at", "customer_id"], ignore_index=True)
    return table.assign(invitation_id=[f"YQ{k:05d}" for k in range(1, len(table) + 1)])


def _feedback(world, customers, calendar, invitations, rng) -> pd.DataFrame:
    """Answers of the three channels: score, and a recommendation online or an ease by phone, from one latent value."""
    known = customers.set_index("customer_id")
    parts = {
        "online": _online(invitations, rng),
        "phone": _called(world, calendar, rng),
        "wechat": _rated(world, calendar, rng),
    }
    table = pd.concat([part.assign(channel=channel) for channel, part in parts.items()])
    table = table.rename(columns={"at": "received_at"})
    table = table.sort_values(["received_at", "channel", "customer_id"], ignore_index=True)
    table = table.join(known[["segment", "team", "owner_staff_id", "customer_group", "_owner"]], on="customer_id")
    table = table.rename(columns={"owner_staff_id": "staff_id"})
    latent = _latent(table["_owner"], world["world"]["correlation"], rng)
    chance = _chance(world, table, world["effect"]["weak_team"])
    asked_too = 0.7 * latent + np.sqrt(1 - 0.7**2) * rng.standard_normal(len(table))
    recommend = pd.Series(_levels(asked_too, chance, LOW_RECOMMEND, HIGH_RECOMMEND))
    ease = pd.Series(_levels(asked_too, chance, LOW_EASE, HIGH_EASE) + 1)
    return table.assign(
        feedback_id=_numbered(table["channel"], {"online": "WJ", "phone": "HF", "wechat": "WX"}),
        metric="csat",
        score=_levels(latent, chance, LOW_LEVELS, HIGH_LEVELS) + 1,
        recommend=recommend.where(table["channel"] == "online"),
        ease=ease.where(table["channel"] == "phone"),
        cluster=table["customer_group"].fillna(table["customer_id"]),
        _latent=latent,
    )


def _online(invitations: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """An answer within ten days, always in the month of the invitation."""
    rows = invitations[invitations["responded"] == 1]
    last = rows["sent_at"].dt.normalize() + pd.offsets.MonthEnd(0) + pd.Timedelta(hours=22)
    wait = pd.to_timedelta((10 * 24 * 60 * rng.random(len(rows)) ** 2).astype(int), unit="min")
    return rows[["invitation_id", "customer_id"]].assign(at=(rows["sent_at"] + wait).clip(upper=last))


def _called(world: dict, calendar: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Call-backs to a random list every month, after the filing window."""
    response = world["response"]
    draw = pd.Series(rng.random(len(calendar)), calendar.index)
    called = calendar[draw.groupby(calendar["month"]).rank() <= response["calls_a_month"]]
    chance = np.where(called["segment"] == world["segments"]["silent"], response["phone_silent"], response["phone"])
    reached = called[rng.random(len(called)) < chance]
    return _at(reached, FILING_DAYS + 12 * rng.random(len(reached)), rng)


def _rated(world: dict, calendar: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Ratings nobody asked for: more of them in a filing month, most before the window closes."""
    response = world["response"]
    silent = calendar["segment"] == world["segments"]["silent"]
    chance = np.where(silent, response["wechat_silent"], response["wechat_a_month"])
    chance = chance * np.where(calendar["month"].dt.month.isin(FILING_MONTHS), 1.4, 0.85)
    rated = calendar[rng.random(len(calendar)) < chance]
    return _at(rated, 27 * rng.random(len(rated)) ** 1.6, rng)


def _at(rows: pd.DataFrame, day: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Customer and ``at``: day 0, 1 … of the row's month, some time between 9:00 and 18:00."""
    minutes = day.astype(int) * 24 * 60 + ((9 + 9 * rng.random(len(rows))) * 60).astype(int)
    return rows[["customer_id"]].assign(at=rows["month"] + pd.to_timedelta(minutes, unit="min"))


def _latent(owner: pd.Series, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """Standard normal; two answers of one owner are correlated."""
    own = rng.standard_normal(int(owner.max()) + 1)[owner]
    return np.sqrt(correlation) * own + np.sqrt(1 - correlation) * rng.standard_normal(len(owner))


def _chance(world: dict, answers: pd.DataFrame, weak: float) -> np.ndarray:
    """Chance that an answer is satisfied: the whole truth of the demo in five lines."""
    effect, when = world["effect"], answers["received_at"]
    month = when.dt.month
    chance = np.full(len(answers), world["world"]["satisfied"])
    chance += effect["hard_segment"] * (answers["segment"] == world["segments"]["hard"])
    chance += weak * ((answers["team"] == world["teams"]["weak"]) & (when >= effect["weak_from"]))
    chance += effect["peak_month"] * month.isin(FILING_MONTHS) + effect["annual_filing"] * month.isin([4, 5])
    return np.asarray(chance).clip(0.02, 0.98)


def _levels(latent: np.ndarray, chance: np.ndarray, low: list[float], high: list[float]) -> np.ndarray:
    """Level 0, 1 … of each latent value: ``low`` splits the 1 - chance who are dissatisfied, ``high`` the others."""
    below = np.outer(1 - chance, np.cumsum(low))
    above = 1 - chance[:, None] + np.outer(chance, np.cumsum(high)[:-1])
    return (latent[:, None] > ndtri(np.hstack([below, above]))).sum(axis=1)


def _numbered(kind: pd.Series, prefix: dict[str, str]) -> pd.Series:
    return kind.map(prefix) + (kind.groupby(kind).cumcount() + 1).map("{:05d}".format)


def _items(world: dict, feedback: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Five items of every online questionnaire; the weak team is equally weak on each, no item is weak by itself."""
    online = feedback[feedback["channel"] == "online"]
    chance = _chance(world, online, world["effect"]["weak_items"])
    halo, names = world["effect"]["halo"], world["dimensions"]["names"]
    shape = (len(online), len(names))
    latent = halo * online["_latent"].to_numpy()[:, None] + np.sqrt(1 - halo**2) * rng.standard_normal(shape)
    score = _levels(latent.ravel(), chance.repeat(len(names)), LOW_LEVELS, HIGH_LEVELS) + 1
    table = online.loc[online.index.repeat(len(names)), ["feedback_id", "customer_id", "cluster", "received_at"]]
    table = table.assign(item_id=np.tile(names, len(online)), score=score)
    return table[rng.random(len(table)) >= world["world"]["item_missing"]].reset_index(drop=True)


# ---------------------------------------------------------------- comments


def _comments(world: dict, feedback: pd.DataFrame, rng: np.random.Generator) -> dict[str, list]:
    """Comment and theme of each answer: none, a remark without a theme, or a sentence of one or two themes."""
    words, themes = world["comments"], list(world["themes"])
    good = (feedback["score"] >= 4).to_numpy()
    rising = (feedback["received_at"] >= world["effect"]["rising_from"]).to_numpy()
    table = [[world["themes"][theme][f"weight_{tone}"] for theme in themes] for tone in ("bad", "good")]
    weights = np.array(table)[good.astype(int)]
    rise = themes.index(world["effect"]["rising_theme"])
    weights[:, rise] *= np.where(rising, world["effect"]["rising_factor"], 1)
    edges = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    draws = rng.random((len(feedback), 12))
    first, second = ((draws[:, [k]] >= edges).sum(axis=1).clip(max=len(themes) - 1) for k in (0, 1))
    comments, found = [], []
    for k, draw in enumerate(draws):
        tone = "good" if good[k] else "bad"
        chosen = [themes[first[k]]]
        if draw[2] < world["world"]["second_theme"] and second[k] != first[k]:
            chosen.append(themes[second[k]])
        comment, theme = _comment(world, words, tone, chosen, feedback["received_at"].iloc[k], draw[3:])
        comments.append(comment)
        found.append(theme)
    return {"comment": comments, "theme": found}


def _comment(world, words, tone, chosen, when, draw) -> tuple[str | None, str]:
    def one(options, u):
        return options[int(u * len(options))]

    if draw[0] >= world["world"]["comment"]:
        return None, ""
    if draw[1] < words["blank_share"]:
        return one(words["blank"], draw[2]), ""
    if draw[1] < words["blank_share"] + 0.12:
        return one(words[f"plain_{tone}"], draw[2]), ""
    core = words["join"].join(one(world["themes"][t][tone], draw[3 + i]) for i, t in enumerate(chosen))
    text = one(words[f"opener_{tone}"], draw[5]) + core + one(words[f"tail_{tone}"], draw[6])
    slots = {"m": when.month, "d": 5 + int(draw[7] * 24), "k": 2 + int(draw[7] * 6), "t": one(words["taxes"], draw[8])}
    return text.format(**slots), " ".join(chosen)


# ---------------------------------------------------------------- cases


def _cases(world: dict, calendar: pd.DataFrame, feedback: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Cases of every month, more in a filing month, and those opened after a low score."""
    case = world["case"]
    chance = case["a_month"] * np.array(case["season"])[calendar["month"].dt.month - 1]
    opened = calendar[rng.random(len(calendar)) < chance]
    usual = _at(opened, 27 * rng.random(len(opened)) ** 1.5, rng).assign(
        issue_type=np.array(case["issues"])[_pick(rng, len(opened), case["weights"])]
    )
    table = pd.concat([usual.rename(columns={"at": "created_at"}), _followed(world, feedback, rng)])
    table = table[table["created_at"] < _close(world)].sort_values(["created_at", "customer_id"], ignore_index=True)
    known = calendar.drop_duplicates("customer_id").set_index("customer_id")[["team", "owner_staff_id"]]
    table = table.join(known, on="customer_id").rename(columns={"owner_staff_id": "staff_id"})
    return _handled(world, table, rng).assign(case_id=[f"GD{k:05d}" for k in range(1, len(table) + 1)])


def _close(world: dict) -> pd.Timestamp:
    """First moment after the last day of the data."""
    return pd.Timestamp(world["world"]["as_of"]) + pd.Timedelta(days=1)


def _followed(world: dict, feedback: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    low = feedback[feedback["score"] <= 2]
    low = low[rng.random(len(low)) < world["world"]["case_after_low_score"]]
    wait = pd.to_timedelta((6 * 24 * 60 * rng.random(len(low))).astype(int) + 30, unit="min")
    return pd.DataFrame({
        "customer_id": low["customer_id"],
        "created_at": low["received_at"] + wait,
        "issue_type": world["case"]["complaint"],
        "answers": low["feedback_id"],
    })  # fmt: skip


def _handled(world: dict, cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """First response, solution and status; the weak team is slow from the month it is weak."""
    status, created = world["case"]["status"], cases["created_at"]
    slow = (cases["team"] == world["teams"]["weak"]) & (created >= world["effect"]["weak_from"])
    hours = 3.5 * np.exp(0.9 * rng.standard_normal(len(cases))) * np.where(slow, 2.2, 1)
    days = 2.0 * np.exp(1.0 * rng.standard_normal(len(cases))) * np.where(slow, 1.6, 1)
    first = created + pd.to_timedelta((hours * 60).astype(int), unit="min")
    solved = first + pd.to_timedelta((days * 24 * 60).astype(int), unit="min")
    last, done = _close(world), rng.random(len(cases))
    words = np.where(done < 0.7, status["closed"], status["done"])
    words = np.where(solved >= last, np.where(done < 0.6, status["open"], status["waiting"]), words)
    return cases.assign(
        first_response_at=first.where(first < last), resolved_at=solved.where(solved < last), status=words
    )
