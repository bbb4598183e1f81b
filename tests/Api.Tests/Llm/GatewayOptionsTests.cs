using LlmAspire.Api.Llm;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tests.Llm;

public class GatewayOptionsTests
{
    [Theory]
    [InlineData("LLM_BASE_URL", "", "LLM_BASE_URL is not set")]
    [InlineData("LLM_BASE_URL", "litellm:4000", "LLM_BASE_URL is 'litellm:4000'")]
    [InlineData("LLM_BASE_URL", "ftp://gateway", "LLM_BASE_URL is 'ftp://gateway'")]
    [InlineData("LLM_API_KEY", " ", "LLM_API_KEY is not set")]
    [InlineData("Gateway:MaxOutputTokens", "0", "Gateway:MaxOutputTokens")]
    [InlineData("Gateway:CatalogRefresh", "00:00:00", "Gateway:CatalogRefresh")]
    public async Task the_api_does_not_start_with_bad_settings_and_names_them(string key, string value, string named)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["LLM_BASE_URL"] = "http://localhost:4000", ["LLM_API_KEY"] = "sk-x", [key] = value });
        builder.AddLlm();
        using var host = builder.Build();

        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://localhost:4000", "http://localhost:4000/")]
    [InlineData("http://localhost:4000/v1", "http://localhost:4000/")]
    [InlineData("https://example.com/llm/v1/", "https://example.com/llm/")]
    public void the_root_is_the_address_without_v1(string url, string root)
    {
        var options = new GatewayOptions { BaseUrl = url };
        Assert.Equal((new Uri(root), new Uri(root + "v1")), (options.Root, options.OpenAIEndpoint));
    }
}
