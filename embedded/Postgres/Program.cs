using LlmAspire.EmbeddedPostgres;

var builder = WebApplication.CreateBuilder(args);
builder.AddPostgresSupervisor();

var app = builder.Build();
app.MapPostgresHealth();

app.Run();
