"""What an illustration can show, drawn by the pen in a frame of -1..1: people, creatures, plants, gadgets, icons."""

import math

import numpy as np

from .paint import SKIN, hsv, random_colour, tone
from .pen import blob, star
from .people import draw_whole_person


def eyes(p, r, x, y, d, s, c=(20, 20, 30)):
    for k in (-1, 1):
        if r.random() < 0.6:
            p.ellipse(x + k * d, y, s * 1.6, s * 1.9, (255, 255, 255))
        p.ellipse(x + k * d, y, s, s * 1.2, c)


def mouth(p, r, x, y, w, c=(120, 30, 40)):
    k = r.random()
    if k < 0.4:
        p.ellipse(x, y, w, w * 0.6, c, t0=0, t1=math.pi)
    elif k < 0.7:
        p.ellipse(x, y, w * 0.6, w * 0.7, c)
    else:
        p.line([(x - w, y), (x, y + w * 0.3), (x + w, y)], w * 0.25, c)


def draw_person(p, r):
    sk = SKIN[r.integers(len(SKIN))]
    hair = [(30, 20, 20), (70, 40, 20), (150, 150, 155), (210, 160, 70), (230, 230, 235), random_colour(r)][
        r.integers(6)
    ]
    sh = random_colour(r)
    sh2 = random_colour(r)
    long = r.random() < 0.5
    full = r.random() < 0.4
    w = r.uniform(0.55, 0.75)
    if long:
        p.rect(-0.4, -0.75, 0.4, r.uniform(-0.1, 0.35), hair, 0.35)
    if full:
        for k in (-1, 1):
            p.rect(k * 0.2 - 0.13, 0.6, k * 0.2 + 0.13, 1.6, sh2, 0.05)
            p.ellipse(k * 0.24, 1.6, 0.2, 0.09, (30, 30, 30))
    for k in (-1, 1):  # arms
        ax, ay = k * (w + r.uniform(-0.05, 0.35)), r.uniform(-0.6, 0.9)
        el = (k * (w + 0.15), 0.5)
        p.line([(k * w * 0.85, 0.2), el, (ax, ay)], 0.22, tone(r, sh, 0.06))
        p.ellipse(ax, ay, 0.13, 0.13, sk)
    p.polygon([(-w, 0.25), (-0.25, 0.02), (0.25, 0.02), (w, 0.25), (w * 0.9, 1.0), (-w * 0.9, 1.0)], sh)
    if r.random() < 0.4:
        p.polygon([(-0.16, 0.02), (0.16, 0.02), (0, 0.5)], (250, 250, 250))
        p.polygon([(-0.05, 0.1), (0.05, 0.1), (0.08, 0.6), (0, 0.7), (-0.08, 0.6)], sh2)
    p.rect(-0.12, -0.15, 0.12, 0.12, tone(r, sk, 0.06))
    p.ellipse(0, -0.42, 0.33, 0.38, sk)
    for k in (-1, 1):
        p.ellipse(k * 0.33, -0.4, 0.06, 0.09, sk)
    p.ellipse(0, -0.58, 0.35, 0.26, hair, t0=math.pi, t1=2 * math.pi)
    if r.random() < 0.5:
        p.polygon([(-0.34, -0.6), (0.34, -0.6), (r.uniform(-0.3, 0.3), -0.4)], hair)
    eyes(p, r, 0, -0.42, 0.13, 0.035)
    mouth(p, r, 0, -0.22, 0.1)
    if r.random() < 0.25:
        for k in (-1, 1):
            p.ellipse(k * 0.14, -0.41, 0.12, 0.1, (30, 30, 30), n=14)
            p.ellipse(k * 0.14, -0.41, 0.095, 0.078, sk, n=14)


def draw_creature(p, r):
    c = random_colour(r)
    c2 = tone(r, c, 0.25)
    q = r.random()
    for k in (-1, 1):
        if q < 0.4:
            p.polygon([(k * 0.2, -0.6), (k * 0.7, -0.75), (k * 0.55, -0.1)], c)
            p.polygon([(k * 0.3, -0.52), (k * 0.6, -0.62), (k * 0.5, -0.2)], c2)
        elif q < 0.7:
            p.ellipse(k * 0.35, -0.75, 0.14, 0.4, c)
        p.ellipse(k * 0.35, 0.85, 0.22, 0.14, c2)
        p.line([(k * 0.5, 0.2), (k * r.uniform(0.7, 1.1), r.uniform(-0.4, 0.6))], 0.14, c)
    p.polygon(blob(r, rough=0.08) * [0.65, 0.8], c)
    if r.random() < 0.6:
        p.ellipse(0, 0.35, 0.4, 0.4, tone(r, c, 0.3))
    eyes(p, r, 0, -0.2, 0.22, 0.08)
    mouth(p, r, 0, 0.12, 0.16)


def draw_plant(p, r):
    g = hsv(r.uniform(0.2, 0.45), r.uniform(0.4, 0.9), r.uniform(0.3, 0.8)) if r.random() < 0.7 else random_colour(r)
    q = r.random()
    if q < 0.35:
        p.rect(-0.1, 0.1, 0.1, 1, hsv(0.07, 0.6, 0.4))
        [p.ellipse(r.normal(0, 0.3), -0.3 + r.normal(0, 0.3), 0.35, 0.33, tone(r, g, 0.1)) for _ in range(6)]
    elif q < 0.6:
        p.rect(-0.08, 0.4, 0.08, 1, hsv(0.07, 0.6, 0.4))
        [
            p.polygon(
                [(0, -1 + i * 0.4), (0.35 + i * 0.12, -0.3 + i * 0.4), (-0.35 - i * 0.12, -0.3 + i * 0.4)],
                tone(r, g, 0.08),
            )
            for i in range(3)
        ]
    else:
        f = random_colour(r)
        p.line([(0, 0), (0.05, 1)], 0.07, g)
        p.ellipse(0.2, 0.6, 0.22, 0.09, g, rot=-0.5)
        n = int(r.integers(5, 9))
        for i in range(n):
            t = i * 2 * math.pi / n
            p.ellipse(0.42 * math.cos(t), -0.3 + 0.42 * math.sin(t), 0.3, 0.17, f, rot=t)
        p.ellipse(0, -0.3, 0.2, 0.2, random_colour(r))


def draw_bird(p, r):
    c = random_colour(r) if r.random() < 0.6 else (245, 245, 245)
    q = tone(r, c, 0.15)
    p.ellipse(0, 0.1, 0.6, 0.3, c, rot=-0.2)
    p.ellipse(0.5, -0.15, 0.22, 0.2, c)
    p.polygon([(0.68, -0.2), (0.95, -0.1), (0.68, -0.05)], (250, 180, 40))
    p.polygon([(-0.5, 0.1), (-1, -0.1), (-0.95, 0.35)], q)
    p.polygon([(0.2, 0), (-0.35, 0.05), (-0.5, -0.9), (-0.1, -0.6), (0.1, -0.75)], q)
    p.ellipse(0.55, -0.2, 0.04, 0.04, (0, 0, 0), n=10)


def draw_gadget(p, r):
    c, c2, c3 = random_colour(r), random_colour(r), random_colour(r)
    q = int(r.integers(9))
    if q == 0:
        p.rect(-0.5, -1, 0.5, 1, c, 0.12)
        p.rect(-0.42, -0.85, 0.42, 0.85, c2, 0.04)
        [p.rect(-0.3, -0.7 + i * 0.3, 0.3, -0.5 + i * 0.3, tone(r, c2, 0.25), 0.03) for i in range(5)]
    elif q == 1:
        p.rect(-0.9, -0.7, 0, 0.2, tone(r, c, 0.15), 0.1)
        p.rect(-0.9, -0.5, 0.9, 0.7, tone(r, c, 0.2), 0.1)
        p.rect(-0.75, -0.35, 0.75, 0.2, (245, 245, 250), 0.03)
        p.rect(-0.9, -0.1, 0.9, 0.75, c, 0.1)
    elif q == 2:
        p.rect(-0.9, -0.5, 0.9, 0.6, c, 0.15)
        p.rect(-0.3, -0.7, 0.3, -0.4, c, 0.08)
        p.ellipse(0, 0.05, 0.45, 0.45, c2, n=40)
        p.ellipse(0, 0.05, 0.3, 0.3, c3, n=40)
        p.ellipse(-0.1, -0.05, 0.08, 0.08, (255, 255, 255))
    elif q == 3:
        p.polygon([(0, -0.5), (-0.95, -0.65), (-0.95, 0.5), (0, 0.65)], c)
        p.polygon([(0, -0.5), (0.95, -0.65), (0.95, 0.5), (0, 0.65)], tone(r, c, 0.15))
        [p.line([(0.15, -0.3 + i * 0.2), (0.8, -0.4 + i * 0.2)], 0.04, c2) for i in range(4)]
    elif q == 4:
        p.rect(-0.5, -0.4, 0.5, 0.8, c, 0.15)
        p.ellipse(0.55, 0.15, 0.3, 0.3, c, n=30)
        p.ellipse(0.55, 0.15, 0.18, 0.18, c, 0)
        p.rect(-0.5, -0.1, 0.5, 0.3, c2)
        p.ellipse(0, -0.4, 0.5, 0.12, tone(r, c, 0.3))
    elif q == 5:
        p.polygon([(-0.8, -0.1), (0, -0.9), (0.8, -0.1)], c2)
        p.rect(-0.65, -0.1, 0.65, 0.9, c)
        p.rect(-0.15, 0.35, 0.2, 0.9, c3)
        p.rect(-0.5, 0.05, -0.25, 0.3, c3)
        p.rect(0.3, 0.05, 0.55, 0.3, c3)
    elif q == 6:
        p.rect(-1, -0.1, 1, 0.4, c, 0.15)
        p.polygon([(-0.6, -0.1), (-0.35, -0.55), (0.4, -0.55), (0.65, -0.1)], c)
        p.polygon([(-0.45, -0.1), (-0.27, -0.43), (0.3, -0.43), (0.48, -0.1)], c2)
        [
            (p.ellipse(k * 0.55, 0.4, 0.24, 0.24, (35, 35, 40)), p.ellipse(k * 0.55, 0.4, 0.1, 0.1, (200, 200, 205)))
            for k in (-1, 1)
        ]
    elif q == 7:  # tall stick: pencil, candle, cigarette, bottle
        w = r.uniform(0.12, 0.3)
        p.rect(-w, -0.6, w, 1.1, c)
        p.rect(-w, 0.4, w, 1.1, c2)
        [p.ellipse(r.uniform(-w, w) * 0.7, 0.5 + 0.5 * r.random(), 0.04, 0.04, c3) for _ in range(8)]
        if r.random() < 0.6:
            p.polygon(
                [(-w, -0.6), (-w * 1.1, -0.8), (-0.05, -1.2), (0.1, -0.95), (w, -0.85), (w, -0.6)],
                (235, 70, 30),
            )
            p.ellipse(0, -0.72, w * 0.5, 0.14, (255, 200, 50))
        else:
            p.polygon([(-w, -0.6), (w, -0.6), (0, -1.1)], tone(r, c, 0.3))
    else:
        p.rect(-0.8, -0.5, 0.8, 0.6, c, 0.06)
        p.rect(-0.72, -0.42, 0.72, 0.45, c2)
        p.polygon([(-0.15, 0.6), (0.15, 0.6), (0.3, 0.9), (-0.3, 0.9)], c)
        [p.ellipse(r.uniform(-0.5, 0.5), r.uniform(-0.3, 0.3), 0.12, 0.12, random_colour(r)) for _ in range(3)]


def draw_icon(p, r):
    c = random_colour(r)
    q = int(r.integers(8))
    if q == 0:
        t = np.linspace(0, 2 * math.pi, 50)
        p.polygon(
            np.stack(
                [
                    np.sin(t) ** 3,
                    -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16,
                ],
                1,
            ),
            c,
        )
    elif q == 1:
        p.polygon(star(5, 0.45), c)
    elif q == 2:
        p.ellipse(0, -0.2, 0.55, 0.65, c)
        p.line([(0, 0.45), (0.1, 0.8), (0, 1.1)], 0.03, tone(r, c, 0.3))
        p.ellipse(-0.2, -0.45, 0.1, 0.18, tone(r, c, 0.35))
    elif q == 3:
        p.ellipse(0, 0, 0.5, 0.5, c)
        [
            p.line([(0.65 * math.cos(t), 0.65 * math.sin(t)), (0.95 * math.cos(t), 0.95 * math.sin(t))], 0.1, c)
            for t in np.arange(8) * math.pi / 4
        ]
    elif q == 4:
        p.polygon([(0.2, -1), (-0.5, 0.15), (-0.05, 0.15), (-0.2, 1), (0.5, -0.2), (0.05, -0.2)], c)
    elif q == 5:
        p.ellipse(0, -0.3, 0.5, 0.5, c)
        p.polygon([(-0.46, -0.1), (0.46, -0.1), (0, 0.9)], c)
        p.ellipse(0, -0.3, 0.2, 0.2, (255, 255, 255))
    elif q == 6:
        p.rect(-0.9, -0.6, 0.9, 0.5, c, 0.25)
        p.polygon([(-0.4, 0.45), (-0.1, 0.45), (-0.5, 0.85)], c)
        [p.ellipse(-0.4 + 0.4 * i, -0.05, 0.1, 0.1, random_colour(r)) for i in range(3)]
    else:
        p.polygon([(-1, 0), (1, -0.6), (0.3, 0.8), (0, 0.2)], c)
        p.polygon([(0, 0.2), (1, -0.6), (0.3, 0.8)], tone(r, c, 0.2))


def draw_abstract(p, r):
    """A cluster of overlapping contrasting parts: the catch-all for illustrations never seen."""
    cols = [random_colour(r) for _ in range(3)]
    for _ in range(int(r.integers(4, 11))):
        c = cols[r.integers(3)]
        c = tone(r, c, 0.1)
        x, y = r.normal(0, 0.35, 2)
        s = r.uniform(0.12, 0.5)
        q = r.random()
        if q < 0.35:
            p.ellipse(x, y, s, s * r.uniform(0.4, 1), c, rot=r.random() * 3)
        elif q < 0.6:
            p.polygon(blob(r, 24, 0.3) * s + [x, y], c)
        elif q < 0.8:
            p.polygon(r.normal(0, s, (int(r.integers(3, 6)), 2)) + [x, y], c)
        else:
            p.line(np.cumsum(r.normal(0, 0.25, (int(r.integers(2, 5)), 2)), 0) + [x, y], r.uniform(0.03, 0.15), c)


def draw_scatter(p, r):
    """Petals, confetti, bubbles, bats: many small equal things."""
    c = random_colour(r)
    q = r.random()
    for _ in range(int(r.integers(5, 22))):
        x, y = r.uniform(-2, 2, 2)
        s = r.uniform(0.05, 0.16)
        if q < 0.3:
            p.ellipse(x, y, s, s, c)
        elif q < 0.6:
            p.ellipse(x, y, s * 1.4, s * 0.6, tone(r, c, 0.1), rot=r.random() * 3)
        elif q < 0.8:
            p.polygon(star(4, 0.35) * s * 1.3 + [x, y], c)
        else:
            p.polygon(
                np.array(
                    [
                        (-1.6, -0.3),
                        (-0.6, 0.1),
                        (-0.2, -0.4),
                        (0.2, -0.4),
                        (0.6, 0.1),
                        (1.6, -0.3),
                        (0.5, 0.7),
                        (-0.5, 0.7),
                    ]
                )
                * s
                + [x, y],
                c,
            )


def draw_hand(p, r):
    """An open or pointing hand with a sleeve."""
    skin, sleeve = SKIN[r.integers(len(SKIN))], random_colour(r)
    p.rect(-0.35, 0.55, 0.35, 1.3, sleeve, 0.05)
    p.rect(-0.4, -0.05, 0.4, 0.7, skin, 0.2)
    pointing = r.random() < 0.4
    for i in range(4):
        top = -0.9 if not pointing or i == 0 else -0.2
        p.rect(-0.4 + i * 0.2, top + 0.08 * abs(i - 1.5), -0.22 + i * 0.2, 0.2, tone(r, skin, 0.02), 0.09)
    p.line([(0.35, 0.35), (0.7, r.uniform(-0.2, 0.1))], 0.2, skin)


def draw_fish(p, r):
    c, c2 = random_colour(r), random_colour(r)
    p.polygon([(-0.5, 0), (-1, -0.4), (-1, 0.4)], c2)
    p.ellipse(0.1, 0, 0.7, 0.4, c)
    for i in range(3):
        p.line([(-0.2 + i * 0.2, -0.3), (-0.25 + i * 0.2, 0.3)], 0.06, c2)
    p.ellipse(0.5, -0.1, 0.09, 0.09, (255, 255, 255))
    p.ellipse(0.52, -0.1, 0.05, 0.05, (0, 0, 0))


def draw_robot(p, r):
    c, c2 = random_colour(r), random_colour(r)
    p.rect(-0.5, -0.9, 0.5, -0.15, c, 0.12)
    p.line([(0, -0.9), (0, -1.2)], 0.06, c2)
    p.ellipse(0, -1.22, 0.09, 0.09, c2)
    eyes(p, r, 0, -0.55, 0.22, 0.09, tone(r, (40, 40, 50)))
    p.rect(-0.25, -0.35, 0.25, -0.25, c2)
    p.rect(-0.6, -0.1, 0.6, 0.8, tone(r, c, 0.15), 0.08)
    for k in (-1, 1):
        p.line([(k * 0.65, 0), (k * 0.95, r.uniform(-0.4, 0.6))], 0.16, c2)
        p.rect(k * 0.3 - 0.13, 0.8, k * 0.3 + 0.13, 1.2, c2)


def draw_boat(p, r):
    c, c2, c3 = random_colour(r), random_colour(r), random_colour(r)
    p.polygon([(-0.9, 0.3), (0.9, 0.3), (0.6, 0.8), (-0.6, 0.8)], c)
    p.rect(-0.04, -0.9, 0.04, 0.3, (90, 60, 40))
    p.polygon([(0.08, -0.85), (0.75, 0.2), (0.08, 0.2)], c2)
    p.polygon([(-0.08, -0.65), (-0.6, 0.2), (-0.08, 0.2)], c3)


def draw_food(p, r):
    """Cake, ice cream or a bowl."""
    c, c2, c3 = random_colour(r), random_colour(r), random_colour(r)
    k = r.random()
    if k < 0.35:
        p.rect(-0.7, 0, 0.7, 0.7, c, 0.06)
        p.rect(-0.7, -0.1, 0.7, 0.2, c2, 0.1)
        for i in range(3):
            p.rect(-0.44 + i * 0.4, -0.5, -0.36 + i * 0.4, -0.1, c3)
            p.ellipse(-0.4 + i * 0.4, -0.58, 0.06, 0.1, (255, 180, 40))
    elif k < 0.7:
        p.polygon([(-0.35, 0), (0.35, 0), (0, 1.1)], (214, 150, 80))
        for x, y in ((-0.22, -0.15), (0.22, -0.15), (0, -0.5)):
            p.ellipse(x, y, 0.34, 0.32, tone(r, c, 0.2))
    else:
        p.ellipse(0, 0, 0.9, 0.25, tone(r, c2, 0.2))
        for _ in range(6):
            p.ellipse(r.normal(0, 0.35), r.normal(-0.12, 0.08), 0.16, 0.14, random_colour(r))
        p.ellipse(0, 0, 0.9, 0.8, c, t0=0, t1=math.pi)


# What training draws, with its share; the evaluation set draws HELD_OUT_FIGURES alone.
FIGURES = [
    (draw_person, 0.15),
    (draw_whole_person, 0.22),
    (draw_creature, 0.11),
    (draw_plant, 0.1),
    (draw_bird, 0.07),
    (draw_gadget, 0.18),
    (draw_icon, 0.08),
    (draw_abstract, 0.1),
    (draw_scatter, 0.06),
    (draw_hand, 0.04),
]
HELD_OUT_FIGURES = [(draw_fish, 0.25), (draw_robot, 0.3), (draw_boat, 0.2), (draw_food, 0.25)]
