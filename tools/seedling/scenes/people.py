"""Whole people as flat posters draw them: heads small to large, trousers, skirts and coats, poses, bags, no face or one.

Of the whole figure legs and shoes are what a model takes for letters most easily: dark upright bars in a row."""

import math

import numpy as np

from .paint import SKIN, hsv, random_colour, tone

HAIR = [(30, 20, 20), (70, 40, 20), (120, 70, 40), (200, 150, 70), (150, 150, 155), (230, 230, 235)]
CLOTH = 0.45  # chance of dark or plain cloth below the waist


def cloth(r):
    if r.random() > CLOTH:
        return random_colour(r)
    v = int(r.integers(20, 80))
    return (v, v, v) if r.random() < 0.5 else hsv(r.uniform(0.55, 0.7), r.uniform(0.2, 0.7), r.uniform(0.15, 0.5))


def shoe(p, r, x, y, size, facing, colour):
    kind = r.random()
    if kind < 0.4:
        p.ellipse(x + facing * size * 0.5, y - size * 0.35, size, size * 0.45, colour, n=16)
    elif kind < 0.8:
        toe = x + facing * size * 1.5
        p.rect(min(x - size * 0.5, toe), y - size * 0.7, max(x + size * 0.5, toe), y, colour, size * 0.3)
    else:
        p.rect(x - size * 0.5, y - size * 1.6, x + size * 0.5, y, colour, size * 0.2)


def legs(p, r, hip, foot, width, skin, colour, outfit):
    """Two legs from hip to foot (heights), straight or striding; what is bare is skin."""
    stride = r.choice([0.0, 0.0, r.uniform(0.05, 0.35)])
    apart = width * r.uniform(0.5, 0.7)
    thick = width * r.uniform(0.55, 0.95)
    shoes, size = cloth(r), thick * r.uniform(0.45, 0.7)
    for side in (-1, 1):
        top, end = side * apart, side * (apart + stride)
        bend = (top + end) / 2 + (r.uniform(0, 0.12) if stride else 0), (hip + foot) / 2
        if outfit in ("skirt", "shorts", "dress"):
            p.line([(top, hip), bend, (end, foot - size * 0.5)], thick * 0.7, skin)
        if outfit == "shorts":
            p.line([(top, hip), (top + (bend[0] - top) * 0.8, hip + (foot - hip) * 0.4)], thick, colour)
        if outfit in ("trousers", "coat"):
            straight = r.random() < 0.5
            if straight and not stride:
                p.rect(top - thick / 2, hip - 0.05, top + thick / 2, foot - size * 0.4, colour, 0)
            else:
                p.line([(top, hip), bend, (end, foot - size * 0.5)], thick, colour)
        facing = side if not stride else 1
        shoe(p, r, end, foot, size, facing, shoes)


def torso(p, r, top, hip, foot, width, colour, below, outfit):
    waist = width * r.uniform(0.75, 1.05)
    half = [(width * 0.5, top), (width, top + 0.05), (waist, hip)]
    p.polygon([*half, *((-x, y) for x, y in reversed(half))], colour)
    if outfit in ("skirt", "dress", "coat"):
        hem = hip + (foot - hip) * r.uniform(0.3, 0.85)
        wide = waist * r.uniform(1.0, 1.8)
        edges = [(-waist, hip - 0.02), (waist, hip - 0.02), (wide, hem), (-wide, hem)]
        p.polygon(edges, below if outfit == "skirt" else colour)
    if r.random() < 0.25:  # stripes, or a belt
        for k in range(1, 4):
            y = top + (hip - top) * k / 4
            p.rect(-waist * 0.9, y - 0.012, waist * 0.9, y + 0.012, below)
    if r.random() < 0.15:
        p.rect(-waist, hip - 0.03, waist, hip + 0.02, cloth(r))


def arm(p, r, side, shoulder, width, reach, skin, colour):
    """One arm, hanging, bent, on the hip or raised, with a hand and now and then something in it."""
    x = side * width * 0.9
    angle = r.choice([r.uniform(1.2, 1.6), r.uniform(0.2, 1.1), r.uniform(-1.4, -0.2)])  # down, aside, up
    bend = r.uniform(-0.9, 0.9)
    elbow = (x + side * reach / 2 * math.cos(angle), shoulder + reach / 2 * math.sin(angle))
    hand = (elbow[0] + side * reach / 2 * math.cos(angle + bend), elbow[1] + reach / 2 * math.sin(angle + bend))
    thick = width * r.uniform(0.35, 0.5)
    if r.random() < 0.3:
        p.line([(x, shoulder), elbow, hand], thick * 0.85, skin)
        p.line([(x, shoulder), ((x + elbow[0]) / 2, (shoulder + elbow[1]) / 2)], thick, colour)
    else:
        p.line([(x, shoulder), elbow, hand], thick, colour)
    p.ellipse(*hand, thick * 0.55, thick * 0.55, skin, n=12)
    k = r.random()
    if k < 0.1:
        p.rect(hand[0] - 0.12, hand[1], hand[0] + 0.12, hand[1] + 0.25, random_colour(r), 0.02)
    elif k < 0.2:
        p.line([hand, (hand[0], hand[1] + r.uniform(-0.6, 0.6))], 0.04, random_colour(r))


def head(p, r, y, size, skin, hair):
    """A head whose middle is at height y: hair of many kinds, a hat, a scarf; a face, part of one, or none."""
    kind = r.choice(["short", "long", "bun", "bald", "hat", "scarf", "afro"])
    if kind == "long":
        p.rect(-size * 1.05, y - size, size * 1.05, y + size * r.uniform(1.2, 2.6), hair, size * 0.9)
    if kind == "afro":
        p.ellipse(0, y - size * 0.4, size * 1.5, size * 1.4, hair)
    if kind == "scarf":
        p.ellipse(0, y, size * 1.2, size * 1.4, random_colour(r))
    p.rect(-size * 0.3, y, size * 0.3, y + size * 1.5, tone(r, skin, 0.06))
    p.ellipse(0, y, size * r.uniform(0.8, 1), size * 1.08, skin)
    if kind in ("short", "long", "bun"):
        p.ellipse(0, y - size * 0.35, size * 1.05, size * 0.85, hair, t0=math.pi, t1=2 * math.pi)
    if kind == "bun":
        p.ellipse(0, y - size * 1.35, size * 0.45, size * 0.45, hair, n=16)
    if kind == "hat":
        c = random_colour(r)
        p.rect(-size * 0.85, y - size * 1.5, size * 0.85, y - size * 0.4, c, size * 0.3)
        p.rect(-size * 1.5, y - size * 0.6, size * 1.5, y - size * 0.35, c, size * 0.1)
    view = r.random()
    if view < 0.15 and kind not in ("bald", "scarf"):  # from behind
        p.ellipse(0, y, size, size * 1.05, hair)
    elif view < 0.6:
        for side in (-1, 1):
            p.ellipse(side * size * 0.38, y, size * 0.1, size * 0.12, (30, 30, 35), n=10)
        if r.random() < 0.7:
            p.ellipse(0, y + size * 0.4, size * 0.3, size * 0.2, (150, 50, 50), t0=0, t1=math.pi, n=12)


def draw_whole_person(p, r):
    """A whole person, feet at 1, of the proportions of a child or of a tall grown-up."""
    skin, hair = SKIN[r.integers(len(SKIN))], HAIR[r.integers(len(HAIR))] if r.random() < 0.8 else random_colour(r)
    outfit = r.choice(["trousers", "trousers", "trousers", "shorts", "skirt", "dress", "coat"])
    above, below = random_colour(r), cloth(r)
    size = r.uniform(0.13, 0.3)
    y, foot = -1 + size * 1.2, 1.0
    top = y + size * 1.25
    hip = top + (foot - top) * r.uniform(0.38, 0.55)
    width = size * r.uniform(1.1, 1.6)
    behind = r.random() < 0.5
    reach = (foot - top) * r.uniform(0.45, 0.6)
    if r.random() < 0.12:  # a bag on the back
        p.rect(-width * 1.4, top + 0.05, width * r.uniform(-0.2, 1.4), hip, random_colour(r), 0.08)
    legs(p, r, hip, foot, width * 0.6, skin, below, outfit)
    if behind:
        arm(p, r, -1, top + 0.1, width, reach, skin, tone(r, above, 0.06))
    torso(p, r, top, hip, foot, width, above, below, outfit)
    for side in (1,) if behind else (-1, 1):
        arm(p, r, side, top + 0.1, width, reach, skin, tone(r, above, 0.06))
    head(p, r, y, size, skin, hair)
