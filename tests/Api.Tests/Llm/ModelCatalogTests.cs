using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Api.Tests.Llm;

public sealed class ModelCatalogTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceCollection _services = [];
    private readonly GatewayOptions _options = new() { CatalogRefresh = TimeSpan.FromMinutes(1) };
    private readonly ModelCatalog _catalog;
    private GatewayMonitor? _monitor;
    private ServiceProvider? _provider;

    public ModelCatalogTests() => _catalog = new ModelCatalog(_time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_monitor is not null)
        {
            await _monitor.StopAsync(CancellationToken.None);
            _monitor.Dispose();
        }

        if (_provider is not null)
        {
            await _provider.DisposeAsync();
        }
    }

    [Fact]
    public async Task aliases_are_models_and_deployments_are_found_by_their_id()
    {
        await using var gateway = await TestGateway.StartAsync();
        await StartAsync(gateway.BaseUrl);

        Assert.Equal(["chat-default", "claude-default", "strong-reasoning", "in-house"], _catalog.ListModels().Select(model => model.Id));
        Assert.Equal(new ChatModel("chat-default", "Everyday", "openai", Plan.Basic, 64_000, 4096, true, false), _catalog.FindModel("chat-default"));
        Assert.Equal(new ChatModel("in-house", "in-house", "openai", Plan.Basic, null, null, null, null), _catalog.FindModel("in-house"));
        Assert.Equal(new Deployment("chat-default-2", "chat-default", "azure", "gpt-4o-mini-eu"), _catalog.FindDeployment("chat-default-2"));
        Assert.Equal(new Deployment("claude-default-1", "claude-default", "anthropic", "claude-sonnet-4-5"), _catalog.FindDeployment("claude-default-1"));
        Assert.Null(_catalog.FindModel("nope"));
        Assert.Null(_catalog.FindDeployment("nope"));
    }

    [Fact]
    public async Task the_list_is_read_again_after_the_period()
    {
        await using var gateway = await TestGateway.StartAsync();
        await StartAsync(gateway.BaseUrl);
        gateway.Models = """{"data":[{"id":"new-model"}]}""";

        await AdvanceUntilAsync(TimeSpan.FromSeconds(30), () => _catalog.FindModel("new-model") is not null);

        Assert.InRange(_time.GetUtcNow() - _time.Start, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));
        Assert.Equal(["new-model"], _catalog.ListModels().Select(model => model.Id));
    }

    [Fact]
    public async Task while_the_gateway_fails_the_list_stays_and_is_stale()
    {
        await using var gateway = await TestGateway.StartAsync();
        await StartAsync(gateway.BaseUrl);
        Assert.False(_catalog.IsStale);
        gateway.CatalogStatus = 500;

        await AdvanceUntilAsync(TimeSpan.FromSeconds(30), () => _catalog.IsStale);
        Assert.Equal(4, _catalog.ListModels().Count);
        Assert.InRange(_catalog.Age!.Value, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));

        // Back: not after the period but after a pause of at most five seconds.
        gateway.CatalogStatus = 200;
        await AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => !_catalog.IsStale);
        Assert.InRange(_catalog.Age!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task a_gateway_that_knows_only_aliases_serves_them()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.ModelInfo = """{"data":[]}""";
        await StartAsync(gateway.BaseUrl);

        Assert.Equal(new ChatModel("claude-default", "claude-default", null, Plan.Basic, null, null, null, null), _catalog.FindModel("claude-default"));
    }

    [Theory]
    [InlineData("""{"data":{}}""")]
    [InlineData("""[]""")]
    [InlineData("""<html>""")]
    public async Task an_answer_that_is_no_list_keeps_the_old_one(string models)
    {
        await using var gateway = await TestGateway.StartAsync();
        await StartAsync(gateway.BaseUrl);
        gateway.Models = models;

        await AdvanceUntilAsync(TimeSpan.FromSeconds(30), () => _catalog.IsStale);

        Assert.Equal(4, _catalog.ListModels().Count);
    }

    [Fact]
    public async Task an_unknown_plan_locks_the_model_rather_than_opening_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.ModelInfo = """{"data":[{"model_name":"claude-default","litellm_params":{"model":"anthropic/x"},"model_info":{"required_plan":"gold"}}]}""";
        await StartAsync(gateway.BaseUrl);

        Assert.Equal(Plan.Enterprise, _catalog.FindModel("claude-default")!.RequiredPlan);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("openai/*")]
    [InlineData("bedrock/*")]
    [InlineData("openai/gpt-*-mini")]
    public async Task a_wildcard_is_no_model(string wildcard)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Models = $$"""{"data":[{"id":"{{wildcard}}"}, {"id":"in-house"}] }""";
        gateway.ModelInfo =
            $$"""{"data":[{"model_name":"{{wildcard}}", "litellm_params":{"model":"{{wildcard}}" }, "model_info":{"id":"any","mode":"chat"} }] }""";
        await StartAsync(gateway.BaseUrl);

        Assert.Equal(["in-house"], _catalog.ListModels().Select(model => model.Id));
        Assert.Null(_catalog.FindModel(wildcard));
        // What an answer was made by is not the pattern that led there.
        Assert.Null(_catalog.FindDeployment("any")!.Model);
    }

    [Fact]
    public async Task a_model_that_a_wildcard_serves_is_what_the_closest_wildcard_says()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Models = """{"data":[{"id":"openai/gpt-6"},{"id":"openai/gpt-6-luna"},{"id":"openai/tts-2"},{"id":"mistral/small"},{"id":"xopenai/gpt-6"}]}""";
        gateway.ModelInfo = """
            {"data":[
              {"model_name":"*","litellm_params":{"model":"*"},"model_info":{"id":"any","required_plan":"enterprise"}},
              {"model_name":"openai/*","litellm_params":{"model":"openai/*"},"model_info":{"id":"openai","required_plan":"pro","max_input_tokens":400000}},
              {"model_name":"openai/tts-*","litellm_params":{"model":"openai/tts-*"},"model_info":{"id":"speech","mode":"audio_speech"}},
              {"model_name":"openai/gpt-6-luna","litellm_params":{"model":"openai/gpt-6-luna"},"model_info":{"id":"luna","litellm_provider":"openai"}}]}
            """;
        await StartAsync(gateway.BaseUrl);

        Assert.Equal(
            [
                new ChatModel("openai/gpt-6", "openai/gpt-6", "openai", Plan.Pro, 400_000, null, null, null),
                new ChatModel("openai/gpt-6-luna", "openai/gpt-6-luna", "openai", Plan.Basic, null, null, null, null),
                new ChatModel("mistral/small", "mistral/small", null, Plan.Enterprise, null, null, null, null),
                new ChatModel("xopenai/gpt-6", "xopenai/gpt-6", null, Plan.Enterprise, null, null, null, null),
            ],
            _catalog.ListModels());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/v1")]
    [InlineData("/v1/")]
    public async Task the_address_may_end_in_v1_or_not(string end)
    {
        await using var gateway = await TestGateway.StartAsync();
        await StartAsync(gateway.BaseUrl + end);

        Assert.Equal(["/health/readiness", "/v1/models", "/model/info"], gateway.CatalogRequests.Take(3));
        Assert.Equal(new Uri(gateway.BaseUrl + "/v1"), _options.OpenAIEndpoint);
    }

    private async Task StartAsync(string baseUrl)
    {
        _options.BaseUrl = baseUrl;
        _services.AddHttpClient(GatewayClient.Name, client => client.BaseAddress = _options.Root);
        _provider = _services.BuildServiceProvider();
        var client = new GatewayClient(
            _provider.GetRequiredService<IHttpClientFactory>(), Options.Create(_options), _time, NullLogger<GatewayClient>.Instance);
        _monitor = new GatewayMonitor(client, _catalog, Options.Create(_options), _time, NullLogger<GatewayMonitor>.Instance);
        await _monitor.StartAsync(Token);
        await Until.TrueAsync(() => _catalog.IsLoaded);
    }

    /// <summary>Lets time pass in steps; in between, what a step set off has time to end.</summary>
    private Task AdvanceUntilAsync(TimeSpan step, Func<bool> condition) => Until.TrueAsync(async () =>
    {
        if (condition())
        {
            return true;
        }

        _time.Advance(step);
        await Task.Delay(20, Token);
        return condition();
    });
}
