using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using DemoGatewayOptions = LlmAspire.DemoGateway.Configuration.GatewayOptions;

namespace LlmAspire.Api.Tests;

/// <summary>The demo gateway on a real port, as fast as it can.</summary>
internal sealed class DemoGatewayFactory(string servedPath) : WebApplicationFactory<DemoGatewayOptions>
{
    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting(WebHostDefaults.ServerUrlsKey, "http://127.0.0.1:0");
        builder.UseSetting("LITELLM_MASTER_KEY", TestGateway.Key);
        builder.UseSetting("Gateway:ServedPath", servedPath);
        builder.UseSetting("Gateway:TokensPerSecond", "0");
        builder.UseSetting("Gateway:TimeToFirstTokenMs", "0");
        builder.UseSetting("Logging:LogLevel:Default", "None");
    }
}
