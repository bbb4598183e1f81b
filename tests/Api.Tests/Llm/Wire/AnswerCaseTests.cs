using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm.Estimation;
using LlmAspire.Api.Llm.Wire;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>The answers of other systems that were read wrong somewhere, over both ways into the ledger.</summary>
public sealed class AnswerCaseTests(AnswerCaseTests.Fixture stack) : IClassFixture<AnswerCaseTests.Fixture>
{
    /// <summary>Words of a gateway that must reach nobody.</summary>
    private const string Secret = "secret-upstream";

    private static readonly UsageEstimator Estimator = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> OverV1 => [.. AnswerCase.Names("v1")];

    public static TheoryData<string> OverChat => [.. AnswerCase.Names("chat")];

    [Theory]
    [MemberData(nameof(OverV1))]
    public async Task a_client_of_v1_gets_what_was_said_and_the_row_is_exact(string name)
    {
        var one = AnswerCase.Read(name);
        var row = await stack.RowOfAsync(one, async client =>
        {
            using var response = await client.PostAsJsonAsync("/v1/chat/completions", new
            {
                model = one.Model,
                stream = one.IsStreamed,
                stream_options = one.IsStreamed ? new { include_usage = true } : null,
                messages = new[] { new { role = "user", content = "Tell me something." } },
            }, Token);
            var (text, error) = OpenAiAnswer.Read(await response.Content.ReadAsByteArrayAsync(Token), one.IsStreamed);
            Assert.Equal((one.ExpectedText, one.ExpectedError), (text, error));
        });

        AssertRow(one, row);
    }

    [Theory]
    [MemberData(nameof(OverChat))]
    public async Task a_reader_of_chat_gets_what_was_said_and_the_row_is_exact(string name)
    {
        var one = AnswerCase.Read(name);
        var row = await stack.RowOfAsync(one, async client =>
        {
            using var response = await client.ChatAsync(new { message = "Tell me something.", model = one.Model });
            var (text, error) = ("", (string?)null);
            await foreach (var received in response.ReadEventsAsync())
            {
                text += received.Type == "delta" ? received.Data.GetProperty("text").GetString() : "";
                error = received.Type == "error" ? received.Data.GetProperty("code").GetString() : error;
                Assert.DoesNotContain(Secret, received.Data.GetRawText(), StringComparison.Ordinal);
            }

            Assert.Equal((one.ExpectedText, one.ExpectedError), (text, error));
        });

        AssertRow(one, row);
    }

    private static void AssertRow(AnswerCase one, UsageEvent row)
    {
        foreach (var column in one.ExpectedRow)
        {
            var actual = column.Name switch
            {
                "prompt_tokens" => row.PromptTokens,
                "completion_tokens" => row.CompletionTokens,
                "cached_prompt_tokens" => row.CachedPromptTokens,
                "cache_write_tokens" => row.CacheWriteTokens,
                "reasoning_tokens" => row.ReasoningTokens,
                "source" => (object)row.Source.ToString().ToLowerInvariant(),
                "outcome" => row.Outcome.ToString().ToLowerInvariant(),
                _ => throw new NotSupportedException(column.Name),
            };
            if (column.Value.ValueKind == JsonValueKind.String && column.Value.ValueEquals("about"))
            {
                var text = new AnswerText();
                text.Append(one.ExpectedText);
                var count = Estimator.CountAnswer(row.ServedModel, text);
                Assert.InRange((long)actual!, count * 0.97, count * 1.03);
            }
            else
            {
                Assert.True(column.Value.ToString() == Convert.ToString(actual, System.Globalization.CultureInfo.InvariantCulture), $"{column.Name}: {actual} instead of {column.Value}. {row}");
            }
        }
    }

    /// <summary>The Api without a database, over a gateway that has the deployments of the shipped configuration.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        private TestGateway? _gateway;
        private ApiFactory? _api;
        private HttpClient? _client;

        public async ValueTask InitializeAsync()
        {
            _gateway = await TestGateway.StartAsync();
            _gateway.Models = """{"data":[{"id":"chat-default"},{"id":"claude-default"},{"id":"gemini-default"},{"id":"mistral-default"}]}""";
            _gateway.ModelInfo = """
                {"data":[
                  {"model_name":"chat-default","litellm_params":{"model":"openai/gpt-6-luna"},"model_info":{"id":"chat-default-openai-1","litellm_provider":"openai","mode":"chat"}},
                  {"model_name":"claude-default","litellm_params":{"model":"anthropic/claude-sonnet-5-5"},"model_info":{"id":"claude-default-anthropic","litellm_provider":"anthropic","mode":"chat"}},
                  {"model_name":"gemini-default","litellm_params":{"model":"gemini/gemini-3.6-flash"},"model_info":{"id":"gemini-default-google","litellm_provider":"gemini","mode":"chat"}},
                  {"model_name":"mistral-default","litellm_params":{"model":"mistral/mistral-medium-latest"},"model_info":{"id":"mistral-default-mistral","litellm_provider":"mistral","mode":"chat"}}]}
                """;
            _api = new ApiFactory(_gateway.BaseUrl)
            {
                // Where there is no database there are no keys.
                Replace = services => services.Configure<AuthorizationOptions>(options => options.AddPolicy(
                    IdentityExtensions.ApiKeyPolicy, policy => policy.AddAuthenticationSchemes(HeaderSignIn.SchemeName).RequireAuthenticatedUser())),
            };
            _client = await _api.CreateSignedInClientAsync();
        }

        public async ValueTask DisposeAsync()
        {
            _client?.Dispose();
            await _api!.DisposeAsync();
            await _gateway!.DisposeAsync();
        }

        /// <summary>The one row that a request makes. Nothing that was logged for it may have the gateway's secrets outside the line that tells of the failure.</summary>
        internal async Task<UsageEvent> RowOfAsync(AnswerCase one, Func<HttpClient, Task> askAsync)
        {
            var before = _api!.Writer.Events.Count;
            _gateway!.OnChat = one.SendAsync;
            await askAsync(_client!);
            return Assert.Single(_api.Writer.Events.Skip(before));
        }
    }
}
