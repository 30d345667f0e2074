/** Sixteen colours of buckets, pale enough to write on. Numbers or letters stand on them: colour never speaks alone. */
import { css } from "lit";

const rules = Array.from({ length: 16 }, (_, i) => {
  const hue = (i * 137.5 + 220) % 360; // the golden angle: neighbours differ
  return css`
    .b${i} {
      fill: light-dark(oklch(89% 0.07 ${hue}), oklch(36% 0.07 ${hue}));
      background: light-dark(oklch(89% 0.07 ${hue}), oklch(36% 0.07 ${hue}));
    }
  `;
});
export const bucketStyles = rules;
