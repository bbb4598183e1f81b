using LlmAspire.AppHost.Commands;
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
