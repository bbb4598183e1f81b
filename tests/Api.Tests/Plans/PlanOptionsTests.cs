using LlmAspire.Api.Identity;
using LlmAspire.Api.Plans;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tests.Plans;

public class PlanOptionsTests
{
    [Fact]
    public void each_plan_allows_more_than_the_one_before_and_enterprise_any_number_of_tokens()
    {
        var api = new ApiFactory("http://127.0.0.1:1");
        api.Settings.Clear();
        using var _ = api;

        var plans = api.Services.GetRequiredService<IOptions<PlanOptions>>().Value;

        Assert.Equal(Plan.Basic, plans.Default);
        Assert.Equal([2_000_000, 50_000_000, null], Enum.GetValues<Plan>().Select(plan => plans[plan].TokensPerMonth));
        Assert.Equal([20, 60, 300], Enum.GetValues<Plan>().Select(plan => plans[plan].RequestsPerMinute));
        Assert.Equal([2, 5, 20], Enum.GetValues<Plan>().Select(plan => plans[plan].ConcurrentRuns));
    }

    [Theory]
    [InlineData("Plans:Default", "gold", "gold")]
    [InlineData("Plans:Default", "7", "Plans:Default")]
    [InlineData("Plans:Gold:RequestsPerMinute", "10", "Gold")]
    [InlineData("Plans:Pro:RequestsPerMinut", "10", "RequestsPerMinut")]
    [InlineData("Plans:Pro:RequestsPerMinute", "0", "RequestsPerMinute")]
    [InlineData("Plans:Basic:ConcurrentRuns", "-1", "ConcurrentRuns")]
    [InlineData("Plans:Enterprise:TokensPerMonth", "0", "TokensPerMonth")]
    [InlineData("Plans:Pro:TokensPerMonth", "many", "TokensPerMonth")]
    public async Task what_is_no_plan_is_refused_at_the_start(string setting, string value, string named)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { [setting] = value });
        builder.AddPlans();
        using var host = builder.Build();

        var refusal = await Assert.ThrowsAnyAsync<Exception>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains(named, refusal.ToString());
    }
}
