using System.Diagnostics;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;
using LlmAspire.DemoGateway.Security;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Chat completions, streamed and not.</summary>
internal static class ChatApi
{
    public static void AddChat(this WebApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<DeploymentPicker>();
        builder.Services.AddSingleton<AnswerPacer>();
        builder.Services.AddSingleton<ChatCall>();
        builder.Services.AddHostedService<TokenizerWarmUp>();

        // On SIGTERM running answers are finished first, like LiteLLM does, but not for longer than this.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(10));
    }

    public static IEndpointRouteBuilder MapChatApi(this IEndpointRouteBuilder routes)
    {
        var chat = routes.MapGroup("").WithGatewayErrors().RequireMasterKey();
        chat.MapPost("/v1/chat/completions", Complete);
        chat.MapPost("/chat/completions", Complete);
        return routes;
    }

    private static async Task<IResult> Complete(HttpContext http, DeploymentPicker picker, ChatCall call)
    {
        var callId = LiteLlmHeaders.AdoptCallId(http);
        Deployment? deployment = null;
        try
        {
            var root = await ChatRequestReader.ReadJsonAsync(http.Request, http.RequestAborted);
            var alias = ChatRequestReader.Alias(root);
            deployment = picker.Pick(alias, ChatRequestReader.Seed(root)) ?? throw GatewayException.UnknownAlias(alias);
            Activity.Current?.SetTag("litellm.call_id", callId).SetTag("litellm.model_id", deployment.Id).SetTag("gen_ai.request.model", alias);

            var request = ChatRequestReader.Bind(root, deployment);
            return await call.RunAsync(http, callId, deployment, request);
        }
        catch (GatewayException)
        {
            LiteLlmHeaders.WriteError(http.Response.Headers, callId, deployment);
            throw;
        }
    }
}
