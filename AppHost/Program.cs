using LlmAspire.AppHost;
using LlmAspire.AppHost.LiteLlm;

var builder = DistributedApplication.CreateBuilder(args);
var stack = builder.ChooseStack();

// PostgreSQL: the ledger of every call.
IResourceBuilder<IResourceWithConnectionString> llm = stack.UseContainers
    ? builder.AddPostgres("postgres").WithDataVolume().AddDatabase("llm")
    : builder.AddEmbeddedPostgres("postgres", database: "llm");

// The gateway: one OpenAI-compatible endpoint in front of every provider.
var gateway = stack.Gateway switch
{
    GatewayKind.External => builder.UseExternalGateway(),
    GatewayKind.LiteLlm when stack.UseContainers => builder.AddLiteLlm("litellm").WithProviderKeys().AsGateway(),
    GatewayKind.LiteLlm => builder.AddLiteLlmExecutable("litellm").WithProviderKeys().AsGateway(),
    _ => builder.AddDemoGateway("litellm"),
};

// The chat API: the only one that calls models.
var api = builder.AddProject<Projects.Api>("api")
    .WithReference(llm).WaitFor(llm)
    .WithGateway(gateway)
    .WithSpool()
    .WithSignIn()
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => url.DisplayText = "API");

// The worker: from the inbox into the ledger. From the gateway it has the prices; it does not wait for it.
builder.AddProject<Projects.UsageWorker>("usage-worker")
    .WithReference(llm).WaitFor(llm)
    .WithGatewayAddress(gateway)
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Health");

// The front end: the only one that the world sees. In the database it has the keys of its cookies, and nothing else.
builder.AddProject<Projects.Web>("web")
    .WithReference(api).WaitFor(api)
    .WithReference(llm)
    .WithSignIn().WithClientSecret()
    .WithDashboardLink()
    .WithApiAddress(api)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Chat");

return builder.RunStack();
