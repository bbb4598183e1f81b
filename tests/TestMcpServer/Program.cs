using LlmAspire.TestMcpServer;

if (args is ["scripted", var path])
{
    await ScriptedServer.Read(path).RunAsync();
    return;
}

// Over stdin and stdout, where nothing but the protocol may be written.
var builder = Host.CreateApplicationBuilder(args);
builder.Logging.ClearProviders();
builder.Services.AddMcpServer().WithStdioServerTransport().WithTools([typeof(SampleTools)]);
await builder.Build().RunAsync();
