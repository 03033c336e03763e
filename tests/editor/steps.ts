/** The steps of a story, which each story file tells of its own user. */
import { test } from "node:test";
import type { Workbench } from "./workbench.ts";

/** Tells one part of a story; where it fails, a picture shows what the user saw. */
export type Step = (name: string, act: () => Promise<void>) => void;

/** @param user The workbench, which is there when the first step begins. */
export function stepsOf(user: () => Workbench): Step {
  return (name, act) => {
    test(name, () => user().try(name, act));
  };
}
