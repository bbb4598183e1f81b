// The scenarios of npm's openai. node openai.mjs SCENARIO, with BASE_URL, API_KEY and HOLD in the environment.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const { BASE_URL: baseURL, API_KEY: apiKey, HOLD: hold } = process.env;
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const model = 'chat-default';
const ask = content => [{ role: 'user', content }];

const parameters = name => ({ type: 'object', properties: { [name]: { type: 'string' } }, required: [name], additionalProperties: false });

const scenarios = {
  async list() {
    const ids = [];
    for await (const one of client.models.list()) {
      ids.push(one.id);
    }
    assert.ok(ids.includes(model) && ids.includes('claude-default') && !ids.includes('strong-reasoning'), ids.join());
    assert.equal((await client.models.retrieve(model)).id, model);
    await assert.rejects(client.models.retrieve('nope'), OpenAI.NotFoundError);
  },

  async chat() {
    const { data, response } = await client.chat.completions
      .create({ model, messages: ask('Tell me of rain <<demo length=30>>'), seed: 7, n: 2, logprobs: true, top_logprobs: 2 }).withResponse();
    assert.equal(data.choices.length, 2);
    assert.ok(data.choices.every(choice => choice.finish_reason === 'stop' && choice.logprobs.content.length === 30));
    assert.equal(data.choices[0].logprobs.content[0].top_logprobs.length, 2);
    assert.equal(data.model, model);
    assert.equal(data.usage.completion_tokens, 60);
    assert.equal(data._request_id, response.headers.get('x-request-id'));
  },

  async stream() {
    let text = '';
    let usage;
    for await (const chunk of await client.chat.completions
      .create({ model, messages: ask('Tell me of rain <<demo length=60>>'), stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.ok(text.length > 60);
    assert.equal(usage.completion_tokens, 60);
    for await (const chunk of await client.chat.completions.create({ model, messages: ask('Tell me of rain <<demo length=10>>'), stream: true })) {
      assert.equal(chunk.usage, undefined);
    }
  },

  async tools() {
    const called = [];
    const tool = (name, description, parameter) => ({
      type: 'function',
      function: { name, description, parameters: parameters(parameter), parse: JSON.parse, function: args => { called.push(name); return `${typeof args}: 12 degrees`; } },
    });
    const runner = client.chat.completions.runTools({
      model, stream: true, messages: ask('What are the weather and the time in Oslo?'),
      tools: [tool('get_weather', 'The weather of a city', 'city'), tool('get_time', 'The time of day in a city', 'zone')],
    });
    assert.match(await runner.finalContent(), /12 degrees/);
    assert.deepEqual(called.sort(), ['get_time', 'get_weather']);
  },

  async schema() {
    const schema = { type: 'object', properties: { name: { type: 'string' }, people: { type: 'integer' } }, required: ['name', 'people'], additionalProperties: false };
    const answer = await client.chat.completions.parse({
      model, messages: ask('Describe Oslo'), response_format: { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } },
    });
    const place = JSON.parse(answer.choices[0].message.content);
    assert.equal(typeof place.name, 'string');
    assert.ok(Number.isInteger(place.people));
  },

  async errors() {
    const fails = async (type, code, body, as = client) => {
      for (const stream of [false, true]) {
        await assert.rejects(as.chat.completions.create({ model, messages: ask('hi'), stream, ...body }), error => {
          assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
          assert.equal(error.code, code);
          assert.match(error.requestID, /^[0-9a-f-]{36}$/);
          return true;
        });
      }
    };
    await fails(OpenAI.AuthenticationError, 'invalid_api_key', {}, new OpenAI({ baseURL, apiKey: 'sk-wrong', maxRetries: 0 }));
    await fails(OpenAI.NotFoundError, 'model_not_found', { model: 'nope' });
    await fails(OpenAI.RateLimitError, 'insufficient_quota', { max_completion_tokens: 2_000_000_000 });
    await fails(OpenAI.BadRequestError, 'missing_required_parameter', { messages: [] });
    await fails(OpenAI.BadRequestError, 'unsupported_parameter', { fallbacks: ['strong-reasoning'] });
    await fails(OpenAI.BadRequestError, 'context_length_exceeded', { messages: ask('hi <<demo status=context>>') });
    await fails(OpenAI.InternalServerError, 'provider_failed', { messages: ask('hi <<demo status=500>>') });
    // Within a stream that has begun.
    await assert.rejects(async () => {
      for await (const _ of await client.chat.completions.create({ model, stream: true, messages: ask('hi <<demo length=60 error=20>>') })) {
      }
    }, error => error instanceof OpenAI.APIError && error.code === 'provider_failed');
  },

  async abort() {
    const stream = await client.chat.completions.create({ model, stream: true, messages: ask(`Tell me of rain <<demo length=200 hold=${hold}@40>>`) });
    let seen = 0;
    for await (const chunk of stream) {
      seen += chunk.choices[0]?.delta?.content ? 1 : 0;
      if (seen === 40) {
        stream.controller.abort();
      }
    }
    assert.equal(seen, 40);
  },
};

await scenarios[process.argv[2]]();
