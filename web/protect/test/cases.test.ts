// The same cases that the page of test-browser/ runs.
import { expect, it } from "vitest";
import { cases } from "../test-browser/cases.js";

it("has cases", () => expect(cases.length).toBeGreaterThan(10));
it.each(cases)("$name", async ({ run }) => run());
