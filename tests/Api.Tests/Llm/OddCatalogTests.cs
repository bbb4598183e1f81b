using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmAspire.Api.Tests.Llm;

public class OddCatalogTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Reading such a name throws what no JSON reader is known for.</summary>
    [Fact]
    public async Task a_list_of_models_with_half_a_character_does_not_end_the_process()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Gateway:CatalogRefresh"] = "00:00:00.100" } };
        var client = await api.CreateSignedInClientAsync();
        var (models, info) = (gateway.Models, gateway.ModelInfo);

        gateway.Models = """{"data":[{"id":"\ud800","object":"model","owned_by":"\ud800"}],"object":"list"}""";
        gateway.ModelInfo = """{"data":[{"model_name":"\ud800","litellm_params":{"model":"\ud800"},"model_info":{"id":"\ud800","litellm_provider":"\ud800","mode":"chat"}}]}""";
        var asked = gateway.CatalogRequests.Count;
        // It asks again, so it lives.
        await Until.TrueAsync(() => gateway.CatalogRequests.Count > asked + 6
            || api.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);

        Assert.False(api.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        (gateway.Models, gateway.ModelInfo) = (models, info);
        await Until.TrueAsync(async () => !(await client.GetAsync("/llm/models", Token)).Headers.Contains("X-Models-Stale"));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/llm/models", Token)).StatusCode);
    }
}
