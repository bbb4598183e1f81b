using System.Text.RegularExpressions;
using LlmAspire.TestPostgres;
using LlmAspire.UsageWorker.Prices;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using DemoGatewayOptions = LlmAspire.DemoGateway.Configuration.GatewayOptions;

namespace LlmAspire.UsageWorker.Tests.Prices;

public partial class PriceSyncWorkerTests(PostgresFixture postgres)
{
    private const string Input = "SELECT string_agg(usd_per_million::text, ' ' ORDER BY revision_id) FROM ledger.llm_price WHERE token_class = 'input' AND model = 'm'";

    [Fact]
    public async Task the_prices_of_the_demo_gateway_are_taken_over_and_every_model_of_it_is_priced()
    {
        await using var gateway = new DemoGatewayFactory();
        gateway.UseKestrel();
        gateway.StartServer();
        using var client = gateway.CreateClient();
        await using var host = await StartAsync(await postgres.CreateDatabaseAsync(), client.BaseAddress!.ToString() + "v1", "sk-demo");

        await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT count(*) FROM ledger.price_revision") is 1L);

        Assert.Equal(
            "anthropic claude-sonnet-5-5 3 15 0.3 3.75; gemini gemini-3.6-flash 0.3 2.5 0.03; mistral mistral-medium-latest 0.4 2; openai gpt-6-luna 0.25 2 0.025; "
            + "openai gpt-6.1-sol 1.25 10 0.125",
            await host.ScalarAsync("""
                SELECT string_agg(concat_ws(' ', provider, model, input, output, cached_input, cache_write), '; ' ORDER BY provider, model)
                FROM ledger.price_periods() WHERE valid_from = '2000-01-01 00:00+00'
                """));
    }

    [Fact]
    public async Task a_change_upstream_is_a_revision_and_no_change_is_none_however_many_workers_look()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Body = TestGateway.ModelInfo("2.5e-06");
        var database = await postgres.CreateDatabaseAsync();
        await using var first = await StartAsync(database, gateway.Url, "sk-test");
        await using var second = await StartAsync(database, gateway.Url, "sk-test");
        await AskedAgainAsync(gateway, times: 10);
        Assert.Equal("2.5", await first.ScalarAsync(Input));
        Assert.Equal("Bearer sk-test", gateway.Key);

        gateway.Body = TestGateway.ModelInfo("3e-06");
        await AskedAgainAsync(gateway, times: 10);

        Assert.Equal("2.5 3", await second.ScalarAsync(Input));
        Assert.Equal("gateway gateway", await first.ScalarAsync("SELECT string_agg(source, ' ') FROM ledger.price_revision"));
    }

    [Fact]
    public async Task a_gateway_that_fails_is_asked_until_it_answers_and_the_last_prices_stay()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Body = TestGateway.ModelInfo("2.5e-06");
        await using var host = await StartAsync(await postgres.CreateDatabaseAsync(), gateway.Url, null);
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Input) is "2.5");

        foreach (var (status, body) in new[] { (StatusCodes.Status503ServiceUnavailable, "away"), (StatusCodes.Status200OK, "{"), (StatusCodes.Status200OK, "[]") })
        {
            (gateway.Status, gateway.Body) = (status, body);
            // The first may have been under way already; later ones come after a pause.
            await AskedAgainAsync(gateway, times: body == "away" ? 2 : 1);
        }

        Assert.Equal("2.5", await host.ScalarAsync(Input));
        (gateway.Status, gateway.Body) = (StatusCodes.Status200OK, TestGateway.ModelInfo("4e-06"));
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(Input) is "2.5 4");
        Assert.Equal(
            [
                (LogLevel.Information, "The gateway does not answer yet (Response status code does not indicate success: 503 (Service Unavailable).): "
                    + "its prices are asked for until it does. The last ones stay in force"),
                (LogLevel.Warning, "The gateway's prices cannot be read (…); trying again until they can. The last ones stay in force"),
                (LogLevel.Information, "The gateway's prices can be read again"),
            ],
            host.LogOf<PriceSyncWorker>().Where(line => line.Text.StartsWith("The gateway", StringComparison.Ordinal))
                .Select(line => (line.Level, JsonReason().Replace(line.Text, "(…)"))));
        Assert.All(host.Log, line => Assert.Null(line.Exception));
    }

    [Fact]
    public async Task a_gateway_without_model_info_has_no_prices_to_give()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Status = StatusCodes.Status404NotFound;
        await using var host = await StartAsync(await postgres.CreateDatabaseAsync(), gateway.Url, null);

        await AskedAgainAsync(gateway, times: 3);

        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.price_revision"));
        Assert.DoesNotContain(host.LogOf<PriceSyncWorker>(), line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task without_a_gateway_the_worker_says_so_once_and_goes_on()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync());

        await WorkerHost.WaitAsync(() => Task.FromResult(host.LogOf<PriceSyncWorker>().Any()));

        Assert.Equal("LLM_BASE_URL is not set: prices are not taken over from a gateway", Assert.Single(host.LogOf<PriceSyncWorker>()).Text);
    }

    [Theory]
    [InlineData("LLM_BASE_URL", "localhost:4000")]
    [InlineData("LLM_BASE_URL", "nonsense")]
    [InlineData("Prices:SyncInterval", "00:00:00")]
    [InlineData("Prices:SyncTimeout", "-00:00:01")]
    public async Task a_setting_that_is_not_possible_ends_the_start(string key, string value)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => WorkerHost.StartAsync("Host=127.0.0.1;Port=1", settings: (key, value)));

        Assert.Contains(PriceSyncOptions.WhatIsPossible, refused.Failures);
    }

    private static Task<WorkerHost> StartAsync(string database, string url, string? key) => WorkerHost.StartAsync(
        database, settings: [("LLM_BASE_URL", url), ("LLM_API_KEY", key ?? ""), ("Prices:SyncInterval", "00:00:00.02")]);

    private static async Task AskedAgainAsync(TestGateway gateway, int times)
    {
        // What was asked before the change may still be under way: by each worker once.
        var until = gateway.Asked + times;
        await WorkerHost.WaitAsync(() => Task.FromResult(gateway.Asked >= until));
    }

    [GeneratedRegex(@"\(Expected depth.*\)(?=;)")]
    private static partial Regex JsonReason();

    private sealed class DemoGatewayFactory : WebApplicationFactory<DemoGatewayOptions>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting(WebHostDefaults.ServerUrlsKey, "http://127.0.0.1:0");
            builder.UseSetting("LITELLM_MASTER_KEY", "sk-demo");
            builder.UseSetting("Gateway:ServedPath", Path.Combine(Path.GetTempPath(), $"llmaspire-test-served-{Guid.NewGuid():N}.jsonl"));
            builder.UseSetting("Logging:LogLevel:Default", "None");
        }
    }
}
