using LlmAspire.DemoGateway;
using LlmAspire.DemoGateway.Chat;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Faults;
using LlmAspire.DemoGateway.Health;
using LlmAspire.DemoGateway.Models;
using LlmAspire.DemoGateway.Served;
using LlmAspire.DemoGateway.Spend;
using LlmAspire.ServiceDefaults;

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults();
    builder.AddLiteLlmConfig();
    builder.AddServedLog();
    builder.AddSpendLogs();
    builder.AddChat();
    builder.AddFaults();

    var app = builder.Build();
    app.UseFastApiErrors();
    app.MapHealthApi();
    app.MapModelsApi();
    app.MapChatApi();
    app.MapServedApi();
    app.MapSpendLogsApi();
    app.MapFaultsApi();
    await app.RunAsync();
    return 0;
}
catch (Exception exception) when (StartupException.From(exception) is { } failure)
{
    await Console.Error.WriteLineAsync(failure.Message);
    return StartupException.ExitCode;
}
