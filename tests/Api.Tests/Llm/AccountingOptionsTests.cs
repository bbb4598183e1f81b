using LlmAspire.Api.Llm;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tests.Llm;

public class AccountingOptionsTests
{
    [Theory]
    [InlineData("Usage:DrainTimeout", "00:00:00", "Usage:DrainTimeout")]
    [InlineData("Usage:SettleTimeout", "-00:00:01", "Usage:SettleTimeout")]
    [InlineData("Usage:ShutdownGrace", "00:00:00", "Usage:ShutdownGrace")]
    [InlineData("Usage:ShutdownGrace", "00:00:30", "shorter than the host's shutdown time-out")]
    [InlineData("Usage:MaxDrains", "-1", "Usage:MaxDrains")]
    [InlineData("Usage:OnStop", "7", "Usage:OnStop")]
    public async Task what_is_not_possible_ends_the_start(string setting, string value, string complaint)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["LLM_BASE_URL"] = "http://localhost:4000", ["LLM_API_KEY"] = "sk-x", [setting] = value });
        builder.AddLlm();
        using var host = builder.Build();

        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains(complaint, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task the_shipped_settings_are_the_documented_ones()
    {
        await using var api = new ApiFactory("http://127.0.0.1:1");

        var options = api.Services.GetRequiredService<IOptions<AccountingOptions>>().Value;

        Assert.Equal(
            (OnStop.Cancel, 60, 64, 10, 20),
            (options.OnStop, options.DrainTimeout.TotalSeconds, options.MaxDrains, options.SettleTimeout.TotalSeconds, options.ShutdownGrace.TotalSeconds));
    }
}
