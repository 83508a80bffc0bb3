// The projection of the map (package worldmap), backwards: Gall's stereographic one.
const radius = 1000 * Math.SQRT2 / (2 * Math.PI);
const stretch = radius * (1 + Math.SQRT1_2);
const north = stretch * Math.tan(84 * Math.PI / 360);

/** place is the latitude and longitude that stand at x, y on the map. */
export function place(x, y) {
  return [2 * Math.atan((north - y) / stretch) * 180 / Math.PI, (x - 500) * Math.SQRT2 / radius * 180 / Math.PI];
}
