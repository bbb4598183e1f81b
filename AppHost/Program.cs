using LlmAspire.AppHost.Commands;
using LlmAspire.AppHost.Gateway;
using LlmAspire.AppHost.LiteLlm;
using LlmAspire.AppHost.Postgres;
using LlmAspire.AppHost.Publishing;
using LlmAspire.AppHost.Running;
using LlmAspire.AppHost.Services;
using LlmAspire.AppHost.Stack;

var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { Args = args, DashboardApplicationName = "LlmAspire" });
var stack = builder.ChooseStack();

// Whoever needs another comes after it: a stop goes from the last to the first.

// PostgreSQL: the ledger of every call.
IResourceBuilder<IResourceWithConnectionString> llm = stack.UseContainers
    ? builder.AddPostgresContainer("postgres", database: "llm")
    : builder.AddEmbeddedPostgres("postgres", database: "llm", stack);

// The gateway: one OpenAI-compatible endpoint in front of every provider.
var gateway = stack.Gateway switch
{
    GatewayKind.External => builder.UseExternalGateway(),
    GatewayKind.LiteLlm when stack.UseContainers => builder.AddLiteLlm("litellm").WithProviderKeys().AsGateway(),
    GatewayKind.LiteLlm => builder.AddLiteLlmExecutable("litellm").WithProviderKeys().AsGateway(),
    _ => builder.AddDemoGateway("litellm", stack),
};

// The worker: from the inbox into the ledger. From the gateway it has the prices; it does not wait for it.
var worker = builder.AddService<Projects.UsageWorker>("usage-worker")
    .WithIconName("ReceiptCube")
    .WithReference(llm).WaitFor(llm)
    .WithGatewayAddress(gateway)
    .WithLedgerCommands()
    .WithUrlForEndpoint("http", url => (url.DisplayText, url.Url) = ("Health", "/health"));

// The chat API: the only one that calls models.
var api = builder.AddService<Projects.Api>("api")
    .WithIconName("BrainCircuit")
    .WithReference(llm).WaitFor(llm)
    .WithGateway(gateway)
    .WithSpool(stack)
    .WithShortShutdown()
    .WithSignIn()
    .WithFirstOperator()
    .WithUrlForEndpoint("http", url => (url.DisplayText, url.Url) = ("API description", "/openapi/v1.json"));

// The front end: the only one that the world sees. In the database it has the keys of its cookies, and nothing else.
var web = builder.AddService<Projects.Web>("web")
    .WithIconName("Chat")
    .WithReference(api).WaitFor(api)
    .WithReference(llm)
    .WithSignIn().WithClientSecret()
    .WithDashboardLink()
    .WithApiAddress(api)
    .WithExternalHttpEndpoints()
    .WithPageLinks();

// All data can be thrown away, to begin anew.
llm.WithResetCommand(gateway, web, api, worker);

return builder.RunStack(stack);
