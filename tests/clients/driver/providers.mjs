// Asks the emulator through the providers @ai-sdk/openai and @ai-sdk/azure, as their own pages show them: each job's
// result, or its error, as JSON by the names of provider and job.

import { createRequire } from "node:module";

const { PACKAGES, CLIENT, EMULATOR } = process.env;
const require = createRequire(`${PACKAGES}/${CLIENT}/package.json`);
const ai = require("ai");
const { createOpenAI } = require("@ai-sdk/openai");
const { createAzure } = require("@ai-sdk/azure");
const { z } = require("zod");

const first = CLIENT === "ai-sdk-4";
// The first generation's Azure provider puts the deployment behind its address, the later ones name it in the body.
const azure = createAzure({ baseURL: `${EMULATOR}/openai${first ? "/deployments" : ""}`, apiKey: "any" });
const providers = {
  openai: { model: createOpenAI({ baseURL: `${EMULATOR}/v1`, apiKey: "any" }), image: "gpt-image-1" },
  azure: { model: azure, image: "dall-e-3" },
};
const weather = ai.tool({
  description: "The weather in a city",
  [first ? "parameters" : "inputSchema"]: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, degrees: 20 }),
});
const steps = first ? { maxSteps: 3 } : { stopWhen: ai.stepCountIs(3) };
const asked = { prompt: "What is the weather in Oslo?", tools: { weather }, ...steps };
const person = z.object({ name: z.string(), age: z.number() });

async function streamed(options) {
  let text = "";
  const result = ai.streamText(options);
  for await (const piece of result.textStream) text += piece;
  return [text, await result.finishReason];
}

const jobs = {
  words: async ({ model }) => (await ai.generateText({ model: model("gpt-4o"), prompt: "Hello" })).text,
  "streamed words": ({ model }) => streamed({ model: model("gpt-4o"), prompt: "Hello" }),
  tools: async ({ model }) => (await ai.generateText({ model: model("gpt-4o"), ...asked })).text,
  "streamed tools": ({ model }) => streamed({ model: model("gpt-4o"), ...asked }),
  reasoning: ({ model }) => streamed({ model: model("gpt-5"), prompt: "Hello" }),
  object: async ({ model }) =>
    (await ai.generateObject({ model: model("gpt-4o"), schema: person, prompt: "Ada is 36" })).object,
  output: async ({ model }) => {
    const output = first
      ? { experimental_output: ai.Output.object({ schema: person }) }
      : { output: ai.Output.object({ schema: person }), experimental_output: ai.Output.object({ schema: person }) };
    const made = await ai.generateText({ model: model("gpt-4o"), prompt: "Ada is 36", ...output });
    return made.output ?? made.experimental_output;
  },
  chat: async ({ model }) => (await ai.generateText({ model: model.chat("gpt-4o"), prompt: "Hello" })).text,
  embedding: async ({ model }) => {
    const embedder = (model.textEmbeddingModel ?? model.embeddingModel).call(model, "text-embedding-3-small");
    return (await ai.embed({ model: embedder, value: "Hello" })).embedding.length;
  },
  image: async ({ model, image }) => {
    const generate = ai.generateImage ?? ai.experimental_generateImage;
    const made = await generate({ model: model.imageModel(image), prompt: "a fox" });
    return Buffer.from(made.image.base64, "base64").subarray(1, 4).toString();
  },
  "image edit": async ({ model }) => {
    const generate = ai.generateImage ?? ai.experimental_generateImage;
    const drawn = await generate({ model: model.imageModel("gpt-image-1"), prompt: "a fox" });
    const prompt = { text: "a fox with a hat", images: [drawn.image.uint8Array] };
    const made = await generate({ model: model.imageModel("gpt-image-1"), prompt });
    const background = { background: "transparent" };
    const providerOptions = { openai: background, azure: background };
    const { image: mask } = await generate({ model: model.imageModel("gpt-image-1"), prompt: "here", providerOptions });
    const masked = await generate({ model: model.imageModel("gpt-image-1"), prompt: { ...prompt, mask: mask.uint8Array } });
    const different = new Set([drawn, made, masked].map(({ image }) => image.base64));
    return [Buffer.from(masked.image.base64, "base64").subarray(1, 4).toString(), different.size];
  },
};

globalThis.AI_SDK_LOG_WARNINGS = false;
const results = {};
for (const [name, provider] of Object.entries(providers)) {
  for (const [job, run] of Object.entries(jobs)) {
    if (first && name === "azure" && job === "chat") continue;
    if (["ai-sdk-4", "ai-sdk-5"].includes(CLIENT) && job === "image edit") continue;
    results[`${name}: ${job}`] = await run(provider).catch((error) => `${error}: ${error.responseBody ?? ""}`);
  }
}
console.log(JSON.stringify(results));
