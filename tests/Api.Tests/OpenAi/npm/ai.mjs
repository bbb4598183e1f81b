// The scenarios of npm's ai with its provider for OpenAI-compatible endpoints. node ai.mjs SCENARIO, with BASE_URL, API_KEY and HOLD in the environment.
import assert from 'node:assert/strict';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, Output, generateText, isStepCount, streamText, tool } from 'ai';
import { z } from 'zod';

const { BASE_URL: baseURL, API_KEY: apiKey, HOLD: hold } = process.env;
const provider = key => createOpenAICompatible({ name: 'llmaspire', baseURL, apiKey: key, includeUsage: true, supportsStructuredOutputs: true });
const model = provider(apiKey)('chat-default');

const scenarios = {
  async chat() {
    const { text, finishReason, usage } = await generateText({ model, prompt: 'Tell me of rain <<demo length=30>>', seed: 7 });
    assert.ok(text.length > 30);
    assert.equal(finishReason, 'stop');
    assert.equal(usage.outputTokens, 30);
  },

  async stream() {
    const result = streamText({ model, prompt: 'Tell me of rain <<demo length=60>>' });
    let text = '';
    for await (const piece of result.textStream) {
      text += piece;
    }
    assert.ok(text.length > 60);
    assert.equal((await result.usage).outputTokens, 60);
  },

  async tools() {
    const called = [];
    const say = name => async () => { called.push(name); return '12 degrees'; };
    const { text, steps } = await generateText({
      model, prompt: 'What are the weather and the time in Oslo?', stopWhen: isStepCount(3),
      tools: {
        get_weather: tool({ description: 'The weather of a city', inputSchema: z.object({ city: z.string() }), execute: say('get_weather') }),
        get_time: tool({ description: 'The time of day in a city', inputSchema: z.object({ zone: z.string() }), execute: say('get_time') }),
      },
    });
    assert.deepEqual(called.sort(), ['get_time', 'get_weather']);
    assert.equal(steps.length, 2);
    assert.match(text, /12 degrees/);
  },

  async schema() {
    const { output } = await generateText({ model, prompt: 'Describe Oslo', output: Output.object({ schema: z.object({ name: z.string(), people: z.int() }) }) });
    assert.equal(typeof output.name, 'string');
    assert.ok(Number.isInteger(output.people));
  },

  async errors() {
    const fails = (status, code, options) => assert.rejects(generateText({ model, prompt: 'hi', maxRetries: 0, ...options }), error => {
      assert.ok(APICallError.isInstance(error), `${error.name}: ${error.message}`);
      assert.equal(error.statusCode, status);
      assert.equal(JSON.parse(error.responseBody).error.code, code);
      return true;
    });
    await fails(401, 'invalid_api_key', { model: provider('sk-wrong')('chat-default') });
    await fails(404, 'model_not_found', { model: provider(apiKey)('nope') });
    await fails(429, 'insufficient_quota', { maxOutputTokens: 2_000_000_000 });
    await fails(400, 'context_length_exceeded', { prompt: 'hi <<demo status=context>>' });
    await fails(502, 'provider_failed', { prompt: 'hi <<demo status=500>>' });
  },

  async abort() {
    const controller = new AbortController();
    const result = streamText({ model, prompt: `Tell me of rain <<demo length=200 hold=${hold}@40>>`, abortSignal: controller.signal });
    let seen = 0;
    for await (const part of result.fullStream) {
      seen += part.type === 'text-delta' ? 1 : 0;
      if (seen === 40) {
        controller.abort();
      }
    }
    assert.equal(seen, 40);
  },
};

await scenarios[process.argv[2]]();
